"""What is wrong with a message goes with it: nothing waits for the garbage collector, which may not
come before there are a thousand of them."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path

import pytest

from sipapp.sip import Request, SIPError, StreamFramer, parseMessage
from sipapp.sip.validation import validateRequest, validateResponse

CORPUS = Path(__file__).parent.parent / "corpus"
MESSAGES = sorted(CORPUS.glob("rfc*/*.dat"))


def look(data: bytes) -> None:
    """Index a message, validate it, and look at what it has twice."""
    with suppress(SIPError):
        message = parseMessage(data)
        validate = validateRequest if isinstance(message, Request) else validateResponse
        for _ in range(2):
            error = validate(message)
            assert error is None or error
            for name in ("via", "vias", "contacts", "routes", "uri"):
                with suppress(SIPError, AttributeError):
                    getattr(message, name)


def cut(data: bytes) -> None:
    """Have it come over a stream."""
    framer = StreamFramer()
    for _ in range(2):
        with suppress(SIPError):
            list(framer.feed(data))


@pytest.mark.parametrize("deal", [look, cut])
@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_nothingIsLeftToTheCollector(path, deal):
    data = path.read_bytes()
    # What is made at the first use.
    deal(data)
    gc.collect()
    gc.disable()
    try:
        deal(data)
        assert gc.collect() == 0
    finally:
        gc.enable()
