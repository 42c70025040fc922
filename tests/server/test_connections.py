"""When the server closes a connection that the other side has closed its half of."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.dialog import Call, Callee
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp")
    sharedConfiguration.listen("tcp")
    return startSharedServer(sharedConfiguration)


def test_closedAtOnce(server: Server) -> None:
    """Nothing waits for an answer: no descriptor is kept, and the peer's close() does not wait for
    an acknowledgement that the kernel delays."""
    with StreamSocket(server.endpoint("tcp").address) as client:
        assert client.options("sip:example.test").status == 200
        client.socket.shutdown(socket.SHUT_WR)
        with pytest.raises(ConnectionResetError):
            client.receive(2.0)


def test_answerComesFirst(server: Server) -> None:
    """A half-closed connection still takes the answer to what came over it, and is closed then."""
    with (
        StreamSocket(server.endpoint("tcp").address) as caller,
        UDPSocket(server.endpoint("udp").address) as callee,
    ):
        user = newToken("late-")
        assert callee.register(user).status == 200
        call, phone = Call(caller, f"sip:{user}@example.test"), Callee(callee, user)
        caller.send(call.invite())
        caller.socket.shutdown(socket.SHUT_WR)
        phone.answer(phone.expect("INVITE", call.callID))
        assert call.awaitFinal("INVITE").status == 200
        with pytest.raises(ConnectionResetError):
            caller.receive(15.0)
