"""What the parent assigns to a worker: the payload of its boot specification."""

from __future__ import annotations

import re

import msgspec

from sipapp.config import ResolvedListener

__all__ = ["Assignment", "decodeAssignment", "encodeAssignment", "renewedCode", "workerCode"]

_RENEWED = re.compile(r"([a-z]+[0-9x]+)y([0-9]+)")


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a worker needs to know, apart from its sockets.

    @ivar settings: the configuration, from C{sipapp.config.encodeSettings}.
    @ivar listeners: every listener of the server, with the port that it really got.
    @ivar pool: the pool that the worker belongs to.
    @ivar code: its short name in branches, tags and tokens: see L{workerCode}.
    @ivar pools: for each pool of SIP workers, the codes of its slots.
    @ivar busDirectory: where the workers' inboxes on the bus are, each under its code.
    @ivar predecessors: codes of the workers that serve the pool's listeners until this one and
        its siblings take over; none if they are there for the first time.
    @ivar windows: how many bytes of a datagram the kernel searches for the Call-ID, by index of
        the UDP listener; 0 where it does not steer.
    @ivar secret: the key that identifiers are signed with.
    @ivar paused: the indices of listeners that take nothing new.
    """

    settings: bytes
    listeners: tuple[ResolvedListener, ...]
    pool: str
    code: str
    pools: dict[str, tuple[str, ...]]
    busDirectory: str
    windows: dict[int, int]
    secret: bytes
    predecessors: tuple[str, ...] = ()
    paused: tuple[int, ...] = ()

    def isServed(self, listener: ResolvedListener) -> bool:
        """Whether this worker is one of those that serve the listener."""
        return listener.pool == self.pool


def encodeAssignment(assignment: Assignment) -> bytes:
    return msgspec.msgpack.encode(assignment)


def decodeAssignment(data: bytes) -> Assignment:
    return msgspec.msgpack.decode(data, type=Assignment)


def workerCode(pool: int, slot: int, generation: int = 0) -> str:
    """The short name of a slot in what sipapp mints: letters for the pool, digits for the slot,
    and the generation if it is not the first.

    @param pool: the place of the pool in the plan.

    >>> workerCode(0, 3), workerCode(27, 12), workerCode(0, 3, 2)
    ('a3', 'ab12', 'a3x2')
    """
    letters = ""
    pool += 1
    while pool:
        pool, letter = divmod(pool - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return f"{letters}{slot}x{generation}" if generation else f"{letters}{slot}"


def renewedCode(code: str) -> str:
    """The short name of the worker that takes the place of a single other one: after the other's a
    C{y}, and how many there have been.

    >>> renewedCode("a3"), renewedCode("ay3x2"), renewedCode("a3x2y9")
    ('a3y1', 'ay3x2y1', 'a3x2y10')
    """
    renewed = _RENEWED.fullmatch(code)
    return f"{renewed[1]}y{int(renewed[2]) + 1}" if renewed else f"{code}y1"
