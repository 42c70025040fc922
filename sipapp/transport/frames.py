"""What workers say to each other over the bus."""

from __future__ import annotations

import msgspec

__all__ = ["Ask", "Deliver", "Failed", "FlowRecord", "Frame", "Moved", "Send", "Transactions"]


class FlowRecord(msgspec.Struct, array_like=True, frozen=True):
    """What another worker has to know of a flow.

    @ivar endpoint: the key of its endpoint, C{''} if there is none. Not its index: workers that
        were started with another configuration count otherwise.
    @ivar holder: code of the worker that has the connection; C{''} for UDP, where any has it.
    @ivar connection: what the holder calls it.
    @ivar identities: as of L{sipapp.transport.flows.Flow}.
    """

    transport: str
    endpoint: str
    local: tuple[str, int]
    remote: tuple[str, int]
    holder: str = ""
    connection: str = ""
    identities: frozenset[str] = frozenset()


class Deliver(msgspec.Struct, array_like=True, tag="d"):
    """A received message for its owner, with where it came from."""

    data: bytes
    source: FlowRecord


class Send(msgspec.Struct, array_like=True, tag="s"):
    """A message to send over a connection of the destination.

    @ivar sender: code of the worker to tell of a failure.
    @ivar reference: what that worker calls the attempt; C{''} if it does not want to be told.
    """

    connection: str
    data: bytes
    sender: str
    reference: str


class Failed(msgspec.Struct, array_like=True, tag="f"):
    """The answer to a L{Send} whose connection is gone."""

    reference: str


class Transactions(msgspec.Struct, array_like=True, tag="t"):
    """To a successor: these server transactions are not yours.

    @ivar owner: code of the worker that has them.
    @ivar digests: what L{sipapp.transaction.keyDigest} makes of their keys.
    @ivar isLast: whether this ends the answer to an L{Ask}. Then the owner is who has sent it.
    """

    owner: str
    digests: list[bytes]
    isLast: bool = False


class Ask(msgspec.Struct, array_like=True, tag="a"):
    """To a worker that may have handed over: say once again what your L{Transactions} are.

    @ivar sender: code of a worker that has taken the place of one that had been told.
    """

    sender: str


class Moved(msgspec.Struct, array_like=True, tag="m"):
    """To a successor: this TCP connection is yours from now on.

    @ivar fd: its descriptor, of the sender before it is sent, of the receiver afterwards.
    @ivar connection: what the sender called it, and the receiver will.
    @ivar endpoint: as in L{FlowRecord}.
    @ivar outgoing: whether it was opened from here.
    @ivar targets: what it is found by when there is something to send.
    @ivar owed: how many requests that came over it have no final response yet.
    @ivar recent: the references of what was sent last, to be told of if it breaks.
    @ivar unread: received, but not a whole message yet.
    @ivar unwritten: what the peer has not taken yet.
    """

    fd: int
    connection: str
    endpoint: str
    remote: tuple[str, int]
    outgoing: bool
    targets: list[tuple[str, str, int, str]]
    owed: int
    recent: list[str]
    unread: bytes
    unwritten: bytes


Frame = Deliver | Send | Failed | Transactions | Ask | Moved
