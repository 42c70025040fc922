"""What is known of a call, or has become known of it."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["CallRecord"]


class CallRecord(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"callID": "call_id"}
):
    """A part of the record of a call. A call that is answered has two: what became of its INVITE,
    and its BYE. They may be noted by different workers, and reach a provider in any order: what has
    the same C{callID} and C{tags} is one record, of which each part says what it knows.

    Times are seconds since 1970.

    @ivar callID: its Call-ID.
    @ivar tags: those of caller and callee, the lesser one first: a BYE may come from either, and
        does not tell who has called.
    @ivar caller: the URI in From. Anybody may write anything there, if nobody asks for a proof.
    @ivar callee: the URI in To.
    @ivar user: who has proven to be calling, C{name@realm}.
    @ivar source: where the INVITE came from, such as C{udp 192.0.2.1:5060}.
    @ivar worker: the one that it came to.
    @ivar started: when it came.
    @ivar answered: when the call was accepted.
    @ivar ended: when somebody hung up; of a call that was not accepted, when that was known.
    @ivar status: of the final answer to the INVITE.
    """

    callID: str
    tags: tuple[str, str]
    caller: str | None = None
    callee: str | None = None
    user: str | None = None
    source: str | None = None
    worker: str | None = None
    started: float | None = None
    answered: float | None = None
    ended: float | None = None
    status: int | None = None
