"""Never an open relay: what is forwarded to places that are not ours, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from sipapp.location import Binding
from sipapp.resources.sip import SIPResource
from sipapp.resources.sip.proxy import tokens
from sipapp.sip.digest import Identity
from sipapp.transport.trust import TrustedPeers
from tests.resources.proxy.stage import SERVER, RecordingFlow, Stage, invite, text

FOREIGN = "sip:victim@victim.example"
CAROL = "sip:carol@example.com"


def fromCarol(message: str) -> str:
    return message.replace("sip:carol@elsewhere.example", CAROL)


def attempt(stage: Stage, message: str, flow: RecordingFlow | None = None) -> list[int]:
    """Let a request arrive that must not leave.

    @return: what it is answered with.
    """
    flow = flow or stage.caller
    stage.receive(message, flow)
    assert stage.sent == []
    assert stage.sender.forwarded == []
    return flow.statuses()


def test_stranger() -> None:
    stage = Stage()
    assert attempt(stage, invite(FOREIGN)) == [403]
    assert stage.proxy.refused == 1


class Vouching(SIPResource):
    """Somebody before the proxy who knows who has sent a request."""

    def offer(self, transaction: Any) -> None:
        transaction.request.authenticated = Identity("carol", "example.com")


@pytest.mark.parametrize("may", [True, False])
def test_whoHasAuthenticated(may: bool) -> None:
    """A user may call wherever, registered or not, unless nobody may."""
    stage = Stage(relayRegistered=may)
    stage.chain.insert(0, Vouching())
    stage.receive(fromCarol(invite(FOREIGN)))
    assert [sent.uri for sent in stage.sent] == ([FOREIGN] if may else [])
    assert stage.caller.statuses() == [100 if may else 403]


@pytest.mark.parametrize("address", ["sips:carol@example.com", "sip:carol@EXAMPLE.com"])
def test_whoIsRegistered(address: str) -> None:
    """However a phone writes the user that it is registered for."""
    stage = Stage()
    stage.bind(CAROL, Binding("sip:carol@198.51.100.10", 3600.0, flow=stage.caller.token))
    stage.receive(invite(FOREIGN).replace("sip:carol@elsewhere.example", address))
    assert [sent.uri for sent in stage.sent] == [FOREIGN]


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS", "REGISTER", "BYE"])
def test_routeOfItsOwn(method: str) -> None:
    """A Route to elsewhere is as foreign as a Request-URI, also below a name of ours."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    for number, route in enumerate(
        (
            "<sip:victim.example;lr>",
            "<sip:victim.example>",
            "<sip:example.com;lr>, <sip:victim.example;lr>",
            f"<sip:{SERVER};lr>, <sip:victim.example>",
        )
    ):
        message = text(method, "sip:bob@example.com", f"Route: {route}", branch=f"z9hG4bK{number}")
        assert attempt(stage, message) == [403]


def test_madeUpDialog() -> None:
    """A To tag and a token that nobody has given out prove nothing."""
    stage = Stage()
    tokens_ = (
        "0123456789abcdef0123",
        "",
        tokens.mint(stage.identifiers, "another@call"),
        tokens.mint(stage.identifiers, "another@call", "flow"),
        "0123456789abcdef0123.udpFlow",
    )
    for number, token in enumerate(tokens_):
        user = f"{token}@" if token else ""
        message = text(
            "INVITE",
            FOREIGN,
            f"Route: <sip:{user}{SERVER};lr>",
            to="<sip:bob@example.com>;tag=madeUp",
            branch=f"z9hG4bK{number}",
        )
        assert attempt(stage, message) == [403]


def test_madeUpStrictRoute() -> None:
    """The same as strict routers do it."""
    stage = Stage()
    uri = f"sip:0123456789abcdef0123@{SERVER}"
    message = text("BYE", uri, f"Route: <{FOREIGN}>", to="<sip:bob@example.com>;tag=madeUp")
    assert attempt(stage, message) == [403]


def test_tokenWithoutDialog() -> None:
    """A token of ours opens no new dialog."""
    stage = Stage()
    token = tokens.mint(stage.identifiers, "call1@caller")
    assert attempt(stage, invite(FOREIGN, f"Route: <sip:{token}@{SERVER};lr>")) == [403]


def test_dialogOfOurs() -> None:
    stage = Stage()
    token = tokens.mint(stage.identifiers, "call1@caller")
    route = f"Route: <sip:{token}@{SERVER};lr>"
    stage.receive(text("BYE", FOREIGN, route, to="<sip:bob@example.com>;tag=callee"))
    assert [sent.uri for sent in stage.sent] == [FOREIGN]


def test_registeredPhoneByAddress() -> None:
    """A phone that is registered may call anybody, from where it is registered."""
    stage = Stage()
    stage.bind(CAROL, "sip:carol@198.51.100.10")
    stage.receive(fromCarol(invite(FOREIGN)))
    [sent] = stage.sent
    assert (sent.uri, str(sent.hop.uri)) == (FOREIGN, FOREIGN)
    assert sent.request.has("record-route")


def test_registeredPhoneByFlow() -> None:
    stage = Stage()
    stage.bind(CAROL, Binding("sip:carol@10.0.0.1", 3600.0, flow="tokenOfTheCaller"))
    stage.receive(fromCarol(invite(FOREIGN)))
    assert [sent.uri for sent in stage.sent] == [FOREIGN]


def test_registeredPhoneByConnection() -> None:
    """The port of a connection that a phone opens is any."""
    stage = Stage()
    stage.bind(CAROL, "sip:carol@198.51.100.10;transport=tcp")
    flow = RecordingFlow("TCP", ("198.51.100.10", 40123), listener=1, token="another")
    stage.receive(fromCarol(invite(FOREIGN)), flow)
    assert [sent.uri for sent in stage.sent] == [FOREIGN]


@pytest.mark.parametrize(
    "remote", [("198.51.100.99", 5060), ("198.51.100.10", 5070)], ids=["address", "port"]
)
def test_somebodyElseAsRegisteredPhone(remote: tuple[str, int]) -> None:
    """Only From is not enough."""
    stage = Stage()
    stage.bind(CAROL, Binding("sip:carol@198.51.100.10", 3600.0, flow="another"))
    flow = RecordingFlow(remote=remote, token="stranger")
    assert attempt(stage, fromCarol(invite(FOREIGN)), flow) == [403]


@pytest.mark.parametrize(
    "binding",
    [
        Binding("sip:carol@198.51.100.10", 3600.0, path=("<sip:198.51.100.10;lr>",)),
        Binding("mailto:carol@198.51.100.10", 3600.0),
        Binding("what is this", 3600.0),
    ],
    ids=["behind a path", "no SIP URI", "no URI"],
)
def test_bindingsThatProveNothing(binding: Binding) -> None:
    stage = Stage()
    stage.bind(CAROL, binding)
    assert attempt(stage, fromCarol(invite(FOREIGN))) == [403]


def test_foreignCaller() -> None:
    """A binding of a domain that is not ours would mean nothing."""
    stage = Stage()
    stage.bind("sip:carol@elsewhere.example", "sip:carol@198.51.100.10")
    assert attempt(stage, invite(FOREIGN)) == [403]
    other = invite(FOREIGN, branch="z9hG4bK2").replace("sip:carol@elsewhere.example", "tel:+1234")
    assert attempt(stage, other) == [403]


def test_registeredPhonesMayNotAsConfigured() -> None:
    stage = Stage(relayRegistered=False)
    stage.bind(CAROL, "sip:carol@198.51.100.10")
    assert attempt(stage, fromCarol(invite(FOREIGN))) == [403]


@pytest.mark.parametrize(
    ("trusted", "remote", "permitted"),
    [
        ("198.51.100.0/24", "198.51.100.10", True),
        ("198.51.100.10", "198.51.100.10", True),
        ("198.51.100.11", "198.51.100.10", False),
        ("2001:db8::/32", "2001:db8::7", True),
        ("2001:db8::/32", "198.51.100.10", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("198.51.100.0/24", "::ffff:198.51.100.10", True),
    ],
)
def test_trustedPeers(trusted: str, remote: str, permitted: bool) -> None:
    stage = Stage()
    stage.trusted = TrustedPeers([trusted])
    flow = RecordingFlow(remote=(remote, 5060))
    stage.receive(invite(FOREIGN), flow)
    assert flow.statuses() == [100 if permitted else 403]
    assert len(stage.sent) == permitted


@pytest.mark.parametrize("proven", ["carrier.example", "other.example", ""])
def test_trustedDomains(proven: str) -> None:
    """What counts is the domain that the peer has proven to be, not the one in its From."""
    stage = Stage()
    stage.trusted = TrustedPeers(domains=["carrier.example"])
    flow = RecordingFlow("TLS", identities=frozenset(filter(None, [proven])))
    message = invite(FOREIGN).replace("carol@elsewhere.example", "carol@carrier.example")
    stage.receive(message, flow)
    assert flow.statuses() == [100 if proven == "carrier.example" else 403]


def test_slowStore() -> None:
    for contact, permitted in ((CAROL, False), ("sip:carol@198.51.100.10", True)):
        stage: Any = Stage(slow=True)
        stage.bind(CAROL, contact)
        stage.receive(fromCarol(invite(FOREIGN)))
        stage.location.answer()
        assert len(stage.sent) == permitted
        assert stage.caller.statuses() == ([100] if permitted else [100, 403])


def test_ackOfAStranger() -> None:
    stage = Stage()
    assert attempt(stage, text("ACK", FOREIGN, to="<sip:bob@example.com>;tag=madeUp")) == []
