"""Where a request goes next."""

from __future__ import annotations

from sipapp.sip.sipuri import SIPURI

__all__ = ["Hop"]


class Hop:
    """
    The next hop of a request.

    @ivar uri: what RFC 3263 is applied to.
    @ivar flow: the token of the flow to prefer (RFC 5626 §5.3), or C{None}.
    @ivar listener: index of the listener to send from if it suits the address; C{None} leaves
        that to the sender.
    @ivar flowOnly: whether the URI is not to be tried when the flow is gone.
    """

    __slots__ = ("flow", "flowOnly", "listener", "uri")

    def __init__(
        self,
        uri: SIPURI,
        flow: str | None = None,
        listener: int | None = None,
        flowOnly: bool = False,
    ) -> None:
        self.uri = uri
        self.flow = flow
        self.listener = listener
        self.flowOnly = flowOnly

    def __repr__(self) -> str:
        return f"<Hop {self.uri} flow={self.flow!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hop) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return self.uri, self.flow, self.listener, self.flowOnly
