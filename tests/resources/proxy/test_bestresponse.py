"""RFC 3261 §16.7 steps 6 and 7: which answer goes upstream."""

from __future__ import annotations

import pytest

from sipapp.resources.sip.proxy.bestresponse import chooseBest
from sipapp.sip import Response


def answers(*statuses: int) -> list[Response]:
    return [Response.build(status, ()) for status in statuses]


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        pytest.param((486, 603, 302), 603, id="a 6xx before all others"),
        pytest.param((500, 302, 404), 302, id="then the lowest class: 3xx"),
        pytest.param((503, 404, 500), 404, id="then 4xx"),
        pytest.param((500, 503), 500, id="503 last of its class"),
        pytest.param((503, 500), 500, id="503 last of its class, whatever the order"),
        pytest.param((404, 486), 404, id="the first among equals"),
        pytest.param((408, 486), 486, id="a real answer before a time-out"),
        pytest.param((487, 408), 408, id="487 says least when nobody has cancelled"),
        *(
            pytest.param((404, status, 486), status, id=f"{status} affects resubmission")
            for status in (401, 407, 415, 420, 484)
        ),
        pytest.param((420, 407), 407, id="a challenge first: others are collected into it"),
    ],
)
def test_choice(statuses: tuple[int, ...], best: int) -> None:
    assert chooseBest(answers(*statuses)).status == best


@pytest.mark.parametrize(
    ("statuses", "best"), [((486, 487), 487), ((302, 487), 487), ((603, 487), 603), ((486,), 486)]
)
def test_choiceAfterCancel(statuses: tuple[int, ...], best: int) -> None:
    """The caller who cancels waits for the 487 (§9.1)."""
    assert chooseBest(answers(*statuses), cancelled=True).status == best


def test_challengesAreCollected() -> None:
    """§16.7 step 7: those of every 401 and 407, as they came, in either kind of response."""
    first = Response.build(407, [("Proxy-Authenticate", 'Digest realm="a", nonce="1"')])
    second = Response.build(401, [("WWW-Authenticate", 'Digest realm="b", nonce="2"')])
    third = Response.build(
        407,
        [
            ("Proxy-Authenticate", 'Digest realm="c", nonce="3"'),
            ("Proxy-Authenticate", 'Digest realm="d", nonce="4"'),
        ],
    )
    other = Response.build(404, [("WWW-Authenticate", "Basic")])
    best = chooseBest([other, first, second, third])
    assert best is first
    assert best.getAll("proxy-authenticate") == [
        'Digest realm="a", nonce="1"',
        'Digest realm="c", nonce="3"',
        'Digest realm="d", nonce="4"',
    ]
    assert best.getAll("www-authenticate") == ['Digest realm="b", nonce="2"']
