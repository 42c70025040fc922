"""What the parent leaves to the program that it executes in its place.

The process stays, and so do its workers and the descriptors that it lets be inherited: listening
sockets, inboxes, control channels, the pipes of the workers. Which is which stands in a file, whose
path the next image finds in its environment.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

import msgspec

from sipapp.config import Plan, ResolvedListener
from sipapp.pool.adoption import Bequest

__all__ = [
    "Estate",
    "GroundEstate",
    "ListeningEstate",
    "Pauses",
    "SocketsEstate",
    "readEstate",
    "takeEstate",
]

VARIABLE = "SIPAPP_ESTATE"


class SocketsEstate(msgspec.Struct, frozen=True):
    """The sockets of one address.

    @ivar place: what the address is known by.
    @ivar numbers: of the listeners that use it.
    @ivar fds: in the order of the group.
    @ivar isConfined: whether the kernel was told to use some of them only.
    """

    place: tuple[str, str, int, int]
    numbers: tuple[int, ...]
    fds: tuple[int, ...]
    isConfined: bool


class Pauses(msgspec.Struct, frozen=True):
    """Which listeners take nothing new, as operators want it.

    @ivar listeners: their numbers.
    @ivar isDraining: whether the server as a whole does not: no listener for SIP does then.
    """

    listeners: tuple[int, ...] = ()
    isDraining: bool = False

    def concerns(self, listener: ResolvedListener) -> bool:
        """Whether a listener takes nothing new."""
        isMeant = self.isDraining and not listener.listen.isWeb
        return isMeant or listener.index in self.listeners

    def among(self, plan: Plan) -> tuple[int, ...]:
        """
        @return: the numbers of the listeners of a plan that take nothing new.
        """
        return tuple(each.index for each in plan.listeners if self.concerns(each))


class ListeningEstate(msgspec.Struct, frozen=True):
    """What C{Listening} leaves.

    @ivar numbers: the number of every listener that there has been.
    @ivar diverted: those whose parked slots the kernel gives nothing.
    """

    sockets: tuple[SocketsEstate, ...]
    numbers: tuple[tuple[tuple[str, str, int, int], int], ...]
    windows: dict[int, int]
    diverted: tuple[int, ...] = ()
    pauses: Pauses = Pauses()


class GroundEstate(msgspec.Struct, frozen=True):
    """What C{Ground} leaves: the descriptors of inboxes by code, and whose paths lead where.

    @ivar claim: the descriptor that keeps other servers out of the run directory; C{None} if there
        is none.
    """

    inboxes: dict[str, int]
    heirs: dict[str, str]
    claim: int | None = None


class Estate(msgspec.Struct, frozen=True):
    """All of it.

    @ivar generation: the number of the generation that serves.
    @ivar next: that of the one to follow.
    @ivar settings: from C{encodeSettings}.
    @ivar workers: by pool, in the order of the slots; C{None} where one is parked.
    @ivar codes: of the workers, likewise; empty if they are those that a generation begins with.
    """

    generation: int
    next: int
    settings: bytes
    plan: Plan
    given: dict[int, int]
    workers: dict[str, tuple[Bequest | None, ...]]
    listening: ListeningEstate
    ground: GroundEstate
    codes: dict[str, tuple[str, ...]] = {}

    @property
    def fds(self) -> list[int]:
        """All descriptors."""
        return [
            *(fd for sockets in self.listening.sockets for fd in sockets.fds),
            *self.ground.inboxes.values(),
            *([] if self.ground.claim is None else [self.ground.claim]),
            *(fd for pool in self.workers.values() for each in pool if each for fd in each.fds),
        ]

    def write(self, path: Path) -> None:
        """Keep it for the next image. The configuration in it may be secret.

        @raise OSError: if it cannot be written; it says where.
        """
        path.unlink(missing_ok=True)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.msgpack.encode(self))
        except OSError as error:
            error.filename = str(path)
            raise


def readEstate(environment: MutableMapping[str, str] | None = None) -> Estate | None:
    """
    @return: what an earlier image has left; C{None} if this is the first one.
    @raise msgspec.MsgspecError: if it cannot be understood.
    """
    path = (os.environ if environment is None else environment).get(VARIABLE)
    return msgspec.msgpack.decode(Path(path).read_bytes(), type=Estate) if path else None


def takeEstate() -> Estate | None:
    """The same, for once."""
    estate = readEstate()
    if estate is not None:
        Path(os.environ.pop(VARIABLE)).unlink()
        for fd in estate.fds:
            os.set_inheritable(fd, False)
    return estate
