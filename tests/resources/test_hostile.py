"""Requests that are made to cost much or to make something fail, offered to proxy and registrar.

What the parsers make of such things is in C{tests/sip/test_hostile.py}; here is what becomes of
those that are in good order as far as anybody can tell before they are looked at closer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from sipapp.sip import Request, Response, SIPError, parseMessage, validateRequest
from sipapp.transport.trust import TrustedPeers
from tests.resources.proxy.stage import RecordingFlow, Stage, invite, text
from tests.resources.registering import PhoneFlow, Worker
from tests.support.work import callsOf


def toProxy(data: bytes, trusted: bool = True) -> list[Response]:
    """Have a proxy forward a request to two phones that refuse it.

    @param trusted: whether the sender may go wherever it wants.
    @return: what is answered.
    """
    stage = Stage()
    if trusted:
        stage.trusted = TrustedPeers(["198.51.100.10"])
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1", "sip:bob@203.0.113.2?Subject=x")
    flow = RecordingFlow()
    stage.layer.receiveRequest(_sound(data), flow, stage.clock.seconds())
    for sent in list(stage.sent):
        sent.answer(180)
        sent.answer(486)
    stage.advance(40)
    return flow.messages


def toRegistrar(data: bytes) -> list[Response]:
    """Have a registrar take a request.

    @return: what is answered.
    """
    worker = Worker()
    flow = PhoneFlow()
    worker.layer.receiveRequest(_sound(data), flow, worker.reactor.seconds())
    return flow.sent


def _sound(data: bytes) -> Request:
    request = parseMessage(data)
    assert isinstance(request, Request)
    error = validateRequest(request)
    if error is not None:
        raise error
    return request


def calling(*lines: str) -> bytes:
    return invite("sip:bob@example.com", *lines).encode()


def registering(*lines: str) -> bytes:
    return text("REGISTER", "sip:example.com", "Contact: <sip:a@h.org>", *lines).encode()


HERE, THERE = "<sip:192.0.2.1;lr>", "<sip:elsewhere.example;lr>"

MANY: dict[str, Callable[[int], list[str]]] = {
    "Vias": lambda n: ["Via: SIP/2.0/UDP h;branch=z9hG4bKa"] * n,
    "Vias in a line": lambda n: ["Via: " + ",".join(["SIP/2.0/UDP h;branch=z9hG4bKa"] * n)],
    "Routes of ours": lambda n: [f"Route: {HERE}"] * n,
    "Routes of ours in a line": lambda n: ["Route: " + ",".join([HERE] * n)],
    "Routes of others": lambda n: [f"Route: {HERE}", *[f"Route: {THERE}"] * n],
    "Routes among others": lambda n: [f"Route: {HERE}", *["X: y", f"Route: {THERE}"] * n],
    "strict Routes": lambda n: ["Route: <sip:elsewhere.example>", *[f"Route: {THERE}"] * n],
    "Record-Routes": lambda n: [f"Record-Route: {THERE}"] * n,
    "commas": lambda n: ["Supported: " + "," * n, "Require: " + "," * n],
    "option tags": lambda n: ["Require: " + "a," * n, "Proxy-Require: " + "b," * n],
    "parameters": lambda n: [f"Route: {HERE}" + "".join(f";p{i}=v" for i in range(n))],
    "quotes": lambda n: [f"Route: {HERE}", 'Route: "' + '\\"' * n + f'" {THERE}'],
    "angles": lambda n: [f"Route: {HERE}", 'Route: "' + "<>" * n + f'" {THERE}'],
    "assertions": lambda n: ["P-Asserted-Identity: <sip:a@b>"] * n,
    "wishes": lambda n: ["P-Asserted-Identity: <sip:a@b>", "Privacy: " + "id;" * n],
    "Paths": lambda n: ["Supported: path", "Path: " + ",".join([THERE] * n)],
    "foldings": lambda n: ["X: y" + "\r\n z" * n],
    "unknown names": lambda n: [f"X-{number}: y" for number in range(n)],
}


@pytest.mark.parametrize("what", MANY)
@pytest.mark.parametrize(
    "cost",
    [
        lambda lines: toProxy(calling(*lines)),
        lambda lines: toProxy(calling(*lines), trusted=False),
        lambda lines: toRegistrar(registering(*lines)),
    ],
    ids=["forwarded", "refused", "registered"],
)
def test_twiceTheSizeIsTwiceTheWork(what: str, cost: Callable[[list[str]], object]) -> None:
    once, twice = (callsOf(partial(cost, MANY[what](count))) for count in (400, 800))
    assert twice < 2.2 * once


def test_routesAmongOthers() -> None:
    """What looks for one line after the other does not show among the calls."""
    data = calling(*MANY["Routes among others"](16_000))
    start = process_time()
    toProxy(data)
    assert process_time() - start < 0.8


PIECES = [
    *(
        "\0",
        "\r\n ",
        "\\",
        '"',
        "<",
        ">",
        ";",
        ",",
        "*",
        "@",
        ":",
        "?",
        "=",
        "%00",
        "%0D%0A",
        "%FF",
    ),
    *(
        "\udcff",
        "\u00e9",
        "\u0663",
        "sip:",
        "sips:",
        "tel:",
        "[::1]",
        "[::ffff:192.0.2.1]",
        "0.0.0.0",
    ),
    *(";lr", ";tag", ";tag=a", ";maddr=192.0.2.1", ";maddr=x", ";maddr=::ffff:", ";transport=tls"),
    *(';tag="\0"', '"\0" ', "?Route=%3Csip:x%3E", ";method=BYE", ";expires=99999999999", ";q=2"),
    *(
        "\r\nRoute: <sip:example.com;lr>",
        '\r\nRoute: "\0" <sip:x.example;lr>',
        "\r\nRoute: <sip:x>",
    ),
    *("\r\nMax-Breadth: 1", "\r\nPrivacy: id", "\r\nContact: *", "\r\nSupported: path"),
    *('\r\nPath: "\0" <sip:a;lr>', "\r\nRequire: \udcff", "\r\nMax-Forwards: 0", "\r\nExpires: 0"),
]

REQUESTS = [
    calling(f"Route: {HERE}"),
    calling(),
    registering("Supported: path", f"Path: {THERE}", "User-Agent: x"),
    registering('Contact: <sip:b@h>;q=0.5;expires=100;+sip.instance="<urn:x>";reg-id=1'),
    *(
        text(method, uri, "Max-Breadth: 9").encode()
        for method in ("MESSAGE", "CANCEL", "OPTIONS", "SUBSCRIBE")
        for uri in (
            "sip:bob@example.com",
            "sip:example.com",
            "tel:+1555",
            "sips:x@elsewhere.example",
        )
    ),
    text("ACK", "sip:bob@example.com", to="<sip:bob@example.com>;tag=x").encode(),
    text("BYE", "sip:bob@203.0.113.1", f"Route: {HERE}", to="<sip:b@c>;tag=x").encode(),
]


@given(
    st.sampled_from(REQUESTS),
    st.lists(
        st.tuples(st.integers(0, 600), st.integers(0, 3), st.sampled_from(PIECES)), max_size=4
    ),
)
def test_nothingFails(data: bytes, edits: list[tuple[int, int, str]]) -> None:
    """Whatever is put into a request, it is answered for what it is, and no resource fails on it:
    each failure would be a traceback in the log."""
    for place, removed, piece in edits:
        place %= len(data)
        data = data[:place] + piece.encode("utf-8", "surrogateescape") + data[place + removed :]
    failures: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            failures.append(event)

    globalLogPublisher.addObserver(observe)
    try:
        responses = [*toProxy(data), *toRegistrar(data)]
    except SIPError:
        return
    finally:
        globalLogPublisher.removeObserver(observe)
    assert failures == []
    for response in responses:
        assert response.defect is None
        assert response.status != 500 or response.reason == "CSeq Out of Order"
