"""The settings of a proxy."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sipapp.resources.maker import Settings

__all__ = ["ProxySettings"]

Count = Annotated[int, Meta(ge=1, le=1000)]


class ProxySettings(Settings, frozen=True, kw_only=True):
    """C{[resource.proxy]}.

    @ivar mode: C{"stateful"}, or C{"stateless"} to forward every request to one target without
        remembering it (RFC 3261 §16.11): no forking, no fail-over, no CANCEL of its own.
    @ivar recordRoute: whether to stay on the path of the dialogs it forwards (§16.6 step 4).
    @ivar recordRouteMethods: the methods that can form a dialog, and so are record-routed.
    @ivar recurse: what to do with a 3xx: C{"never"} try its contacts, try those that are
        C{"local"} to this server, or C{"always"} try them, wherever they are (§16.7 step 4).
    @ivar relayRegistered: whether users who have authenticated, and phones that are registered
        here, may call foreign domains.
    @ivar timerC: seconds without a final answer after which an INVITE is given up (§16.8);
        C{None} takes the server's Timer C.
    @ivar maxBranches: how many targets one request is forwarded to at most, all groups together.
    @ivar maxBreadth: the Max-Breadth of a request that comes without one, or with a larger one
        (RFC 5393 §5.3.3).
    @ivar maxForwards: the Max-Forwards of a request that comes without one (§16.6 step 3).
    @ivar proxyRequire: the option tags accepted in Proxy-Require (§16.3 step 5).
    @ivar unreachableStatus: the answer for a user without a binding: 480, or 404 to say that
        users who are not registered do not exist (§16.5).
    """

    mode: Literal["stateful", "stateless"] = "stateful"
    recordRoute: bool = True
    recordRouteMethods: tuple[str, ...] = ("INVITE", "SUBSCRIBE", "REFER", "NOTIFY")
    recurse: Literal["never", "local", "always"] = "never"
    relayRegistered: bool = True
    timerC: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    maxBranches: Count = 20
    maxBreadth: Count = 60
    maxForwards: Annotated[int, Meta(ge=1, le=255)] = 70
    proxyRequire: tuple[str, ...] = ()
    unreachableStatus: Literal[404, 480] = 480
