"""What tells any process whose transaction a request is about."""

from __future__ import annotations

import pytest

from sipapp.sip import Request
from sipapp.transaction import TransactionLayer
from sipapp.transaction.matching import keyDigest, requestDigests
from tests.transaction.fakes import RecordingFlow, RecordingUser
from tests.transaction.messages import request

RFC_2543 = "SIP/2.0/UDP client.example.com:5060;branch=1"


def known(*requests: Request) -> set[bytes]:
    """
    @return: what a layer that has got these requests says of its transactions.
    """
    layer = TransactionLayer(RecordingUser())
    for each in requests:
        layer.receiveRequest(each, RecordingFlow(), 0.0)
    return set(map(keyDigest, layer.serverKeys()))


@pytest.mark.parametrize("method", ["INVITE", "CANCEL", "ACK"])
def test_aboutAnInvite(method: str) -> None:
    """Sent again, cancelled, or acknowledged after a refusal (RFC 3261 §17.2.3, §9.2)."""
    assert known(request("INVITE")).intersection(requestDigests(request(method)))


@pytest.mark.parametrize("method", ["INVITE", "CANCEL", "ACK", "BYE"])
def test_aboutAnother(method: str) -> None:
    other = request(method, via="SIP/2.0/UDP client.example.com:5060;branch=z9hG4bKother")
    assert not known(request("INVITE")).intersection(requestDigests(other))


def test_anyOtherMethod() -> None:
    transactions = known(request("BYE"))
    assert transactions.intersection(requestDigests(request("BYE")))
    assert not transactions.intersection(requestDigests(request("INFO")))


def test_cancelOfItsOwn() -> None:
    """A CANCEL that is sent again belongs to the transaction of the first one, too."""
    assert (
        len(known(request("INVITE"), request("CANCEL")) & {*requestDigests(request("CANCEL"))}) == 2
    )


def test_acknowledgedWithoutACookie() -> None:
    """The ACK of an RFC 2543 client has a To tag that its INVITE has not."""
    ack = request("ACK", via=RFC_2543, toTag="8321234356")
    assert known(request("INVITE", via=RFC_2543)).intersection(requestDigests(ack))
    later = request("ACK", via=RFC_2543, toTag="8321234356", cseq=2)
    assert not known(request("INVITE", via=RFC_2543)).intersection(requestDigests(later))


def test_bytesThatAreNoText() -> None:
    odd = request("INVITE", via="SIP/2.0/UDP client.example.com;branch=z9hG4bK1", callID="\udcff")
    assert known(odd).intersection(requestDigests(odd.copy()))
