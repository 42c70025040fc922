"""What a target is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random

from hypothesis.strategies import SearchStrategy

CORPUS = Path(__file__).parent.parent / "corpus"

#: The modules of C{targets/}.
NAMES = (
    *("parser", "framing", "transactions", "digest", "proxyheader", "http", "worker"),
    *("selectors", "edits", "usages", "calls"),
)


@dataclass(frozen=True)
class Target:
    """A part of sipapp, and what it promises about any input.

    @ivar what: what is promised, in a few words.
    @ivar check: raises if the promise is broken.
    @ivar seeds: inputs that lead somewhere, to begin with.
    @ivar inputs: describes inputs worth trying.
    @ivar mutate: makes another input of one, in ways that bytes alone do not suggest.
    @ivar longest: the most bytes that an input worth trying has.
    """

    what: str
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    inputs: SearchStrategy[bytes]
    mutate: Callable[[bytes, Random], bytes] | None = None
    longest: int = 8192


def load(name: str) -> Target:
    """
    @param name: one of L{NAMES}. Its module is imported now and not before: what wants to see
        which code an input reaches has to be there first.
    """
    target: Target = import_module(f"tests.fuzz.targets.{name}").TARGET
    return target


def found(name: str) -> list[Path]:
    """
    @return: what earlier campaigns have found in a target.
    """
    return sorted((CORPUS / "fuzz" / name).glob("*"))


def torture() -> list[bytes]:
    """
    @return: the messages of RFC 4475 and RFC 5118.
    """
    return [path.read_bytes() for path in sorted(CORPUS.glob("rfc*/*.dat"))]
