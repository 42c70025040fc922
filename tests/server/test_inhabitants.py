"""Who and what is on a server, as its operators see and change it: registrations, calls under way,
connections, bans and users."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from sipapp.admin.client import Client
from sipapp.rpc import Fault
from sipapp.storage import AccountFile, newAccount
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.server import Server
from tests.support.sipclient import NoMessage, StreamSocket, UDPSocket
from tests.support.siptext import newToken

BANNED = "127.0.0.9"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=2)
    sharedConfiguration.listen("tcp")
    sharedConfiguration.listen("http", resources=["health"])
    sharedConfiguration.table("sources", exempt=[])
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(str(server.configuration.runDirectory / "control.sock")) as client:
        yield client


def refusal(client: Client, method: str, **parameters: Any) -> int:
    """
    @return: the code of the fault.
    """
    with pytest.raises(Fault) as caught:
        client.call(method, parameters)
    return caught.value.code


# Registrations.


def test_registrationsAreSeen(server: Server, client: Client) -> None:
    user = newToken("seen-")
    with UDPSocket(server.endpoint("udp").address) as phone:
        before = client.call("location.count")
        assert client.call("location.lookup", [user]) == []
        assert phone.register(user, callID="seen-1").status == 200
        (row,) = client.call("location.lookup", [user])
        assert row["contact"] == phone.contact(user)
        assert row["call_id"] == "seen-1"
        assert 60 < row["expires"] <= 600
        assert client.call("location.count") == before + 1
        page = client.call("location.dump", {"limit": 1000})
        assert row["contact"] in [each["contact"] for each in page["rows"]]


def test_registeredByHand(server: Server, client: Client) -> None:
    """A call goes where an operator says, and the phone itself takes over with its REGISTER."""
    user = newToken("hand-")
    with (
        UDPSocket(server.endpoint("udp").address) as caller,
        UDPSocket(server.endpoint("udp").address) as phone,
    ):
        contact = phone.contact(user)
        (row,) = client.call("location.add", {"aor": user, "contact": contact, "expires": 60})
        assert row["user_agent"].startswith("added by ")
        Call(caller, f"sip:{user}@{DOMAIN}").run(Callee(phone, user))
        answer = phone.register(user)
        assert answer.status == 200
        assert len(answer.getAll("contact")) == 1
        (row,) = client.call("location.lookup", [user])
        assert row["expires"] > 60
        assert client.call("location.remove", {"aor": user, "contact": contact}) == []
        assert caller.options(f"sip:{user}@{DOMAIN}").status == 480
    assert refusal(client, "location.remove", aor=user) == 404


# Calls under way.


def test_transactions(server: Server, client: Client) -> None:
    user = newToken("busy-")
    with (
        UDPSocket(server.endpoint("udp").address) as caller,
        UDPSocket(server.endpoint("udp").address) as phone,
    ):
        assert phone.register(user).status == 200
        call, callee = Call(caller, f"sip:{user}@{DOMAIN}"), Callee(phone, user)
        caller.send(call.invite())
        invite = callee.expect("INVITE", call.callID)
        found = client.call("transaction.list", {"call_id": call.callID})
        assert (found["matching"], found["silent"]) == (2, {})
        sides = {row["side"]: row for row in found["rows"]}
        assert sides.keys() == {"server", "client"}
        received, sent = sides["server"], sides["client"]
        assert received["worker"] == sent["worker"]
        assert received["worker"].startswith("udp-0/")
        assert received["method"] == sent["method"] == "INVITE"
        assert received["state"] == "Proceeding"
        assert received["callee"] == f"sip:{user}@{DOMAIN}"
        assert sent["peer"].startswith("127.0.0.1:")
        elsewhere = {"call_id": call.callID, "worker": "tcp/0"}
        assert client.call("transaction.list", elsewhere)["matching"] == 0
        callee.answer(invite)
        call.awaitFinal("INVITE")
        caller.send(call.ack())
    assert refusal(client, "transaction.list", worker="udp-7/0") == 404


# Connections.


def test_connections(server: Server, client: Client) -> None:
    with StreamSocket(server.endpoint("tcp").address, host="127.0.0.8") as phone:
        assert phone.options(f"sip:{DOMAIN}").status == 200
        (row,) = client.call("connection.list", {"address": "127.0.0.8"})["rows"]
        assert row["transport"] == "TCP"
        assert row["listener"] == f"tcp:127.0.0.1:{server.endpoint('tcp').port}"
        assert (row["state"], row["outgoing"], row["owed"]) == ("open", False, 0)
        assert client.call("connection.close", [row["connection"]]) == row["worker"]
        with pytest.raises((ConnectionError, NoMessage)):
            phone.options(f"sip:{DOMAIN}", timeout=5)
    waitFor(
        lambda: not client.call("connection.list", {"address": "127.0.0.8"})["rows"],
        "the end of the connection",
    )
    assert refusal(client, "connection.close", connection=row["connection"]) == 404


def test_webConnections(server: Server, client: Client) -> None:
    asking = http.client.HTTPConnection(*server.endpoint("http").address, timeout=30)
    asking.request("GET", "/healthz")
    assert asking.getresponse().read()
    (row,) = client.call("connection.list", {"transport": "http"})["rows"]
    assert row["worker"] == "http-0/0"
    assert client.call("connection.close", [row["connection"], True]) == "http-0/0"
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        asking.request("GET", "/healthz")
        asking.getresponse()
    asking.close()


# Bans.


def test_bans(server: Server, client: Client) -> None:
    with UDPSocket(server.endpoint("udp").address, BANNED) as phone:

        def isHeard() -> bool:
            try:
                return phone.options(f"sip:{DOMAIN}", timeout=0.3).status == 200
            except NoMessage:
                return False

        assert isHeard()
        entry = client.call("ban.add", {"network": BANNED, "seconds": 600, "reason": "a test"})
        assert entry["network"] == f"{BANNED}/32"
        assert [each["reason"] for each in client.call("ban.list")] == ["a test"]
        waitFor(lambda: not any(isHeard() for _ in range(3)), "a ban in all workers", 30)
        client.call("ban.remove", [BANNED])
        waitFor(lambda: all(isHeard() for _ in range(3)), "the end of a ban", 30)
        assert refusal(client, "ban.remove", network=BANNED) == 404


# Users.


def test_users(server: Server, client: Client) -> None:
    user = newToken("user-")

    def hasPassword(password: str) -> bool:
        with AccountFile(server.configuration.stateDirectory / "accounts.db") as file:
            account = file.find(user, DOMAIN)
        assert account is not None
        return account.digests == newAccount(user, DOMAIN, password).digests

    added = client.call("user.add", {"user": user, "password": "wonderland", "role": "viewer"})
    assert added == {"user": user, "realm": DOMAIN, "role": "viewer"}
    assert added in client.call("user.list", [DOMAIN])
    assert hasPassword("wonderland")
    client.call("user.password", {"user": user, "password": "looking-glass"})
    assert hasPassword("looking-glass")
    assert client.call("user.role", {"user": user, "role": "none"})["role"] is None
    client.call("user.remove", [user])
    assert refusal(client, "user.remove", user=user) == 404
    log = (server.configuration.stateDirectory / "audit.log").read_text()
    assert user in log
    assert "wonderland" not in log
    assert "looking-glass" not in log
