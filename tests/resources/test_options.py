"""RFC 3261 §11: what the server answers about itself."""

from __future__ import annotations

import pytest

from sipapp.resources.sip.options import Options, OptionsSettings
from sipapp.resources.sip.resource import SIPResource
from tests.resources.offering import Offering, Surroundings, makeRequest


def ask(uri: str, method: str = "OPTIONS", settings: OptionsSettings | None = None) -> Offering:
    offering = Offering([Options(settings or OptionsSettings(), Surroundings())])
    offering.ask(method, uri)
    return offering


def test_forTheServer() -> None:
    """§11.2: 200 with Accept, Accept-Encoding, Accept-Language, Allow and Supported."""
    answer = ask("sip:example.com").answer
    assert answer.status == 200
    assert answer.to.tag
    assert answer.get("Accept") == "application/sdp"
    assert answer.get("Accept-Encoding") == "identity"
    assert answer.get("Accept-Language") == "en"
    assert answer.allow == ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER")
    assert answer.supported == ("path",)


def test_asConfigured() -> None:
    settings = OptionsSettings(accept=("text/plain",), allow=("OPTIONS",), supported=("gruu",))
    answer = ask("sip:example.com", settings=settings).answer
    assert answer.get("Accept") == "text/plain"
    assert (answer.allow, answer.supported) == (("OPTIONS",), ("gruu",))


@pytest.mark.parametrize(
    "uri", ["sip:bob@example.com", "sip:example.org", "tel:+15551234", "mailto:bob@example.com"]
)
def test_forSomebodyElse(uri: str) -> None:
    """It is left to the next resource, and here there is none."""
    assert ask(uri).answer.status == 404


@pytest.mark.parametrize(
    ("tags", "status", "unsupported"),
    [
        ("path", 200, []),
        ("Path, nothingSupports, gruu", 420, ["nothingSupports", "gruu"]),
        ("a b", 400, []),
    ],
)
def test_require(tags: str, status: int, unsupported: list[str]) -> None:
    """§8.2.2.3, with a transaction and without."""
    offering = Offering([Options(OptionsSettings(), Surroundings())])
    request = makeRequest("OPTIONS")
    request.append("Require", tags)
    assert offering.dispatch.answered(request, offering.wire)
    offering.receive(request)
    assert offering.statuses == [status, status]
    assert offering.answer.getAll("Unsupported") == unsupported


def test_withoutATransaction() -> None:
    """The answer is the same each time, so nothing of the request is kept (§8.2.7)."""
    options = Options(OptionsSettings(), Surroundings())
    offering = Offering([options, SIPResource()], server="sipapp")
    request = makeRequest("OPTIONS")
    for _ in range(2):
        assert offering.dispatch.answered(request, offering.wire)
    first, second = offering.wire.sent
    assert (first.status, first.get("Server")) == (200, "sipapp")
    assert first.toBytes() == second.toBytes()
    offering.receive(request)
    assert offering.answer.toBytes() == first.toBytes()


def test_withATransaction() -> None:
    """What is for others is offered like any request; so is all that a resource before this one
    may have something against."""
    options = Options(OptionsSettings(), Surroundings())
    offering = Offering([options])
    assert not offering.dispatch.answered(
        makeRequest("OPTIONS", "sip:bob@example.com"), offering.wire
    )
    assert not offering.dispatch.answered(makeRequest("MESSAGE"), offering.wire)
    behind = Offering([SIPResource(), options])
    assert not behind.dispatch.answered(makeRequest("OPTIONS"), behind.wire)
    assert offering.statuses == behind.statuses == []


def test_otherMethods() -> None:
    assert ask("sip:example.com", "MESSAGE").answer.status == 405
