"""What parent and worker say to each other over the control channel."""

from __future__ import annotations

from twisted.protocols import amp

# Bytes that an AMP value holds.
_MAX_VALUE = 65_535
# A character takes at most four.
_MAX_REASON = 15_000


class Ready(amp.Command):
    """From a worker: everything is adopted and made; I serve from now on."""


class BootFailed(amp.Command):
    """From a worker: I cannot serve, and this is why. The worker ends itself afterwards."""

    arguments = [(b"reason", amp.Unicode())]


class Alive(amp.Command):
    """From a worker, again and again once it is ready: my reactor runs."""

    requiresAnswer = False


class Quiesce(amp.Command):
    """To a worker: take no new work and finish what you have, but go on serving what the workers
    of other pools need for theirs.

    C{timeout} is in seconds. The answer comes when the worker has nothing left to finish, or when
    the time is over.
    """

    arguments = [(b"timeout", amp.Float())]


class Drain(amp.Command):
    """To a worker: take no new work, finish what you have, then exit.

    C{timeout} is in seconds. The answer comes at once; the exit is the end of it.
    """

    arguments = [(b"timeout", amp.Float())]


class HandOver(amp.Command):
    """To a worker: others take your place. Read nothing more from what you share with them, and
    give them what is theirs from now on; then finish what you have.

    C{successors} are the names that the composition on either side gives to the workers that
    follow, in slot order; none if nobody does. The answer comes when the successors may begin.
    C{names} are those of workers, this one or earlier ones, by which what has been given may still
    be asked for; it is left out if that is not known.
    """

    arguments = [(b"successors", amp.ListOf(amp.Unicode()))]
    response = [(b"names", amp.ListOf(amp.Unicode(), optional=True))]


class Serve(amp.Command):
    """To a worker that follows others: they have handed over, begin to serve."""


class Parked(amp.Command):
    """To a worker: the workers of these slots of your pool crash one after the other and are not
    replaced any more. You and the others do their work."""

    arguments = [(b"slots", amp.ListOf(amp.Integer()))]


class Unanswered(Exception):
    """The other side has not answered, and why."""


class Piece(amp.Command):
    """To either side: a part of something that is too long for one value. What has the same
    C{number} comes after it. See L{sipapp.pool.conversation}."""

    arguments = [(b"number", amp.Integer()), (b"body", amp.String())]


class Ask(amp.Command):
    """To either side: a question about something that the composition on either side knows.

    C{number} is that of the pieces before C{body}; 0 if there are none. C{timeout} is how many
    seconds the other side may take.
    """

    arguments = [
        (b"number", amp.Integer()),
        (b"subject", amp.Unicode()),
        (b"body", amp.String()),
        (b"timeout", amp.Float()),
    ]
    response = [(b"number", amp.Integer()), (b"body", amp.String())]
    errors = {Unanswered: b"UNANSWERED"}


class Tell(amp.Command):
    """To either side: something that the composition on either side knows what to do with.

    C{number} is as in L{Ask}.
    """

    arguments = [
        (b"number", amp.Integer()),
        (b"subject", amp.Unicode()),
        (b"body", amp.String()),
    ]


def fitReason(reason: str) -> str:
    """Make a reason fit into an AMP value: whatever is in it, and however long it is.

    The beginning and the end are kept: a traceback says most at its end.
    """
    sound = reason.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(sound) <= _MAX_REASON:
        return sound
    half = _MAX_REASON // 2
    return f"{sound[:half]}\n[{len(sound) - 2 * half} characters left out]\n{sound[-half:]}"


def fitNames(names: list[str] | None) -> list[str] | None:
    """
    @return: the names that L{HandOver} is answered with; C{None} if an AMP value cannot hold them.
    """
    # Each has its length, in two bytes, before it.
    size = sum(2 + len(name.encode()) for name in names or ())
    return names if size <= _MAX_VALUE else None
