"""RFC 3261 §16.5: the target set."""

from __future__ import annotations

from typing import Any

import pytest

from sipapp.location import Binding
from sipapp.resources.sip.proxy.relay import RelayPolicy
from sipapp.resources.sip.proxy.routing import preprocess
from sipapp.resources.sip.proxy.search import TargetSearch
from sipapp.resources.sip.proxy.targets import Groups, fromBindings, fromContacts
from sipapp.sip import Request, Response, parseMessage
from tests.resources.proxy.stage import SERVER, Stage, invite, text


def binding(contact: str, **more: Any) -> Binding:
    return Binding(contact, 3600.0, **more)


def uris(groups: Groups) -> list[list[str]]:
    return [[target.text for target in group] for group in groups]


def test_groupsByPreference() -> None:
    """§16.6: those of equal q are tried in parallel, the others in order."""
    groups = fromBindings(
        [
            binding("sip:a@h1", q=1.0),
            binding("sip:b@h2", q=1.0),
            binding("sip:c@h3", q=0.5),
            binding("sip:d@h4", q=0.0),
        ]
    )
    assert uris(groups) == [["sip:a@h1", "sip:b@h2"], ["sip:c@h3"], ["sip:d@h4"]]


def test_eachOnce() -> None:
    """§16.5: the target set is a set."""
    groups = fromBindings([binding("sip:a@h1"), binding("sip:a@h1", callID="other")])
    assert uris(groups) == [["sip:a@h1"]]


def test_pathIsPartOfTheTarget() -> None:
    """The same contact by two edge proxies is two targets (RFC 3327 §5.3)."""
    groups = fromBindings(
        [binding("sip:a@h1", path=("<sip:p1;lr>",)), binding("sip:a@h1", path=("<sip:p2;lr>",))]
    )
    [[first, second]] = groups
    assert [str(route) for route in first.path] == ["<sip:p1;lr>"]
    assert first.key != second.key


def test_flowsOfOnePhone() -> None:
    """RFC 5626 §7: one flow of a phone at a time, the most recent first."""
    phone = {"instance": "<urn:uuid:1>", "viaFlow": True}
    [[first, other]] = fromBindings(
        [
            binding("sip:a@h1", flow="f1", regID=1, **phone),
            binding("sip:a@h1", flow="f2", regID=2, **phone),
            binding("sip:b@h2"),
        ]
    )
    assert (first.flow, other.text) == ("f1", "sip:b@h2")
    [fallback] = first.others
    assert fallback.flow == "f2"
    assert (first.flowOnly, fallback.flowOnly, other.flowOnly) == (True, True, False)
    assert fallback.key != first.key


def test_flowOnlyIfItHasToBeUsed() -> None:
    [[target]] = fromBindings([binding("sip:a@h1", flow="f1", viaFlow=False)])
    assert target.flow is None


def test_whatARequestURIMustNotHave() -> None:
    """§19.1.1: no headers and no method parameter."""
    [[target]] = fromBindings([binding("sip:a@h1;method=INVITE;x=1?Subject=hi")])
    assert target.text == "sip:a@h1;x=1"


@pytest.mark.parametrize(
    "contact",
    [
        "sip:alice@example.com?Subject=x",
        "sip:alice@192.0.2.1;method=INVITE",
        "sip:alice@elsewhere.example;maddr=example.com?Subject=x",
    ],
)
def test_headersDoNotHideThisServer(contact: str) -> None:
    """The registrar keeps a contact with header fields even if it names this server (RFC 4475
    §3.3.14). Without them it would bring the request back."""
    stage = Stage()
    stage.bind("sip:bob@example.com", contact, "sip:bob@h?Subject=x")
    stage.receive(invite())
    assert [sent.uri for sent in stage.sent] == ["sip:bob@h"]


def test_bindingsThatCannotBeUsed() -> None:
    """A store that others write to may hold anything."""
    bindings = [binding("no uri"), binding("mailto:a@b"), binding("sip:a@h", path=("<",))]
    assert fromBindings(bindings) == []


def test_sipsOnlyToSips() -> None:
    """RFC 5630 §5.3: a sips Request-URI is not downgraded."""
    bindings = [binding("sip:a@h1"), binding("sips:a@h2")]
    assert uris(fromBindings(bindings, sips=True)) == [["sips:a@h2"]]


def test_contactsOfARedirection() -> None:
    """§16.7 step 4, §8.1.3.4."""
    contacts = "<sip:a@h1>;q=0.2, <sips:b@h2>;q=0.9, <tel:+123>, <sip:c@h3?x=y>;q=0.2"
    response = Response.build(302, [("Contact", contacts)])
    assert uris(fromContacts(response)) == [["sips:b@h2"], ["sip:a@h1", "sip:c@h3"]]
    assert uris(fromContacts(response, sips=True)) == [["sips:b@h2"]]
    assert fromContacts(Response.build(302, [("Contact", "<sip:a@h>;q=7")])) == []
    assert fromContacts(Response.build(302, ())) == []


# The search, through the whole proxy.


def test_nobodyBound() -> None:
    """§16.5: 480 when the target set stays empty."""
    stage = Stage()
    stage.receive(invite())
    [response] = stage.caller.take()
    assert response.status == 480
    assert response.to.tag


def test_nobodyBoundAsConfigured() -> None:
    stage = Stage(unreachableStatus=404)
    stage.receive(invite())
    assert stage.caller.statuses() == [404]


def test_noUser() -> None:
    """§16.5: 404 for a resource at this proxy that does not exist."""
    stage = Stage()
    stage.receive(text("MESSAGE", "sip:example.com"))
    assert stage.caller.statuses() == [404]


def search(uri: str, stage: Stage) -> Any:
    request = parseMessage(invite(uri).encode())
    assert isinstance(request, Request)
    finder = TargetSearch(stage, RelayPolicy(stage, False), 480)
    return finder.find(request, preprocess(request, stage))


@pytest.mark.parametrize("uri", ["http://example.com/", "tel:+1-555-0100"])
def test_otherScheme(uri: str) -> None:
    """§16.3 step 2: nobody knows where that is."""
    assert search(uri, Stage()) == 416


def test_addressOfRecordIsCanonical() -> None:
    """§16.5 refers to §10.3 step 5 for how a location service is asked."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(invite("sip:%62ob:secret@EXAMPLE.com;foo=bar"))
    assert [sent.uri for sent in stage.sent] == ["sip:bob@203.0.113.1"]


def test_portIsNoPartOfAUser() -> None:
    """§19.1.1, table 1: an address-of-record has none. Phones dial with the port that they have
    been told."""
    stage = Stage()
    stage.bind(f"sip:bob@{SERVER}", "sip:bob@203.0.113.1")
    stage.receive(invite(f"sip:bob@{SERVER}:5061;transport=tls"))
    assert [sent.uri for sent in stage.sent] == ["sip:bob@203.0.113.1"]


def test_sipsAndSipAreOneUser() -> None:
    """RFC 5630 §3.1; but a sips call only goes to a sips contact."""
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(invite("sips:bob@example.com"))
    assert stage.caller.statuses() == [480]
    stage.bind("sip:bob@example.com", "sips:bob@203.0.113.3")
    stage.receive(invite("sips:bob@example.com", branch="z9hG4bK2"))
    assert [sent.uri for sent in stage.sent] == ["sips:bob@203.0.113.3"]


def test_expiredBinding() -> None:
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.advance(3601)
    stage.receive(invite())
    assert stage.caller.statuses() == [480]


def test_slowStore() -> None:
    """A store that needs time: 100 at once, the rest when it has answered."""
    stage = Stage(slow=True)
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    stage.receive(invite())
    assert stage.caller.statuses() == [100]
    assert stage.sent == []
    stage.location.answer()
    assert [sent.uri for sent in stage.sent] == ["sip:bob@203.0.113.1"]
    stage.sent[0].answer(200)
    assert stage.caller.statuses() == [200]


def test_slowStoreWithoutBinding() -> None:
    stage = Stage(slow=True)
    stage.receive(invite())
    stage.location.answer()
    assert stage.caller.statuses() == [100, 480]


def test_storeThatFails() -> None:
    stage = Stage(slow=True)
    stage.receive(invite())
    stage.location.asked.pop()[1].errback(OSError("the disk is gone"))
    assert stage.caller.statuses() == [100, 500]
