"""RFC 3261 §11: what the server answers about itself."""

from __future__ import annotations

import pytest

from sipapp.resources.sip.options import Options, OptionsSettings
from tests.resources.offering import Offering, Surroundings


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


def test_otherMethods() -> None:
    assert ask("sip:example.com", "MESSAGE").answer.status == 405
