"""What has come of a change that takes its time, as those learn it who have asked for it."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["NotRestarted", "Reloaded", "Restarted"]


class Reloaded(Struct, frozen=True):
    """A reload that went well.

    @ivar generation: the number of the generation that serves now.
    @ivar workers: how many it has.
    @ivar seconds: that it took.
    @ivar changed: the keys of the configuration whose values are other ones than before.
    """

    generation: int
    workers: int
    seconds: float
    changed: list[str]


class Restarted(Struct, frozen=True):
    """A restart of some workers that went well.

    @ivar restarted: those in whose places there are fresh ones.
    @ivar left: the others, with the states that they were in: there was nothing to replace.
    """

    restarted: list[str]
    left: dict[str, str]


class NotRestarted(Exception):
    """A worker could not be replaced. It goes on as it was, and so do those whose turn had not come
    yet."""
