"""The ACK and the CANCEL that a client transaction makes."""

from __future__ import annotations

from sipapp.sip import Request
from sipapp.transaction import TransactionLayer
from tests.transaction.fakes import RecordingClient, RecordingFlow, RecordingUser
from tests.transaction.messages import BRANCH, parsedRequest, request, response

VIAS = f"SIP/2.0/UDP proxy.example.com;branch={BRANCH}, SIP/2.0/UDP a;branch=z9hG4bK1"
MORE = (
    "Route: <sip:one.example.com;lr>, <sip:two.example.com;lr>\r\n"
    "Require: 100rel\r\n"
    "Proxy-Require: foo\r\n"
    "Route: <sip:three.example.com;lr>\r\n"
)


def minted(invite: Request, status: int, cancel: bool) -> Request:
    """
    @return: what the client transaction sends when the response has come.
    """
    flow = RecordingFlow()
    layer = TransactionLayer(RecordingUser())
    transaction = layer.request(invite, flow, RecordingClient(), 0.0)
    flow.sent.clear()
    answer = response(invite, status, toTag="theirs")
    layer.receiveResponse(answer, flow, 1.0)
    if cancel:
        transaction.cancel(1.0)
    (data,) = flow.sent
    return parsedRequest(data)


def assertAlike(made: Request, invite: Request, method: str) -> None:
    """What RFC 3261 §9.1 and §17.1.1.3 have in common."""
    assert (made.method, made.requestURI) == (method, invite.requestURI)
    assert [str(via) for via in made.vias] == [str(invite.via)]
    assert made.getAll("route") == invite.getAll("route")
    assert made.get("from") == invite.get("from")
    assert (made.callID, made.cseq) == (invite.callID, (1, method))
    assert (made.maxForwards, made.contentLength) == (70, 0)
    assert not made.has("require")
    assert not made.has("proxy-require")
    assert made.defect is None


def test_ack() -> None:
    invite = request(via=VIAS, more=MORE)
    ack = minted(invite, 486, cancel=False)
    assertAlike(ack, invite, "ACK")
    assert ack.to.tag == "theirs"


def test_cancel() -> None:
    invite = request(via=VIAS, more=MORE)
    cancel = minted(invite, 180, cancel=True)
    assertAlike(cancel, invite, "CANCEL")
    assert cancel.get("to") == invite.get("to")


def test_anInviteInADialogKeepsItsToTag() -> None:
    invite = request(toTag="known")
    cancel = minted(invite, 180, cancel=True)
    assert cancel.to.tag == "known"


def test_oddTextIsCopiedAsItIs() -> None:
    odd = '\udcff"\u00e4'
    invite = request(more=f"Route: <sip:x;lr>;p={odd}\r\n", callID=f"{odd}@x")
    ack = minted(invite, 603, cancel=False)
    assert ack.callID == f"{odd}@x"
    assert ack.get("route") == invite.get("route")
