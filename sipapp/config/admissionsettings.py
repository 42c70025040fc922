"""The settings of what strangers may do: C{[sources]}, C{[bans]} and C{[overload]}."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sipapp.config.values import SettingsTable, Text, checkNetworks

Points = Annotated[float, Meta(ge=0, le=1000)]
"""What an offence counts."""

Days = Annotated[float, Meta(ge=1, le=31_536_000)]
"""A duration of up to a year."""

Part = Annotated[float, Meta(gt=0, le=1)]
"""A part of a whole."""

SCANNERS = (
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sipcli",
    "sip-scan",
    "sipscan",
    "sipsscuser",
    "siparmyknife",
    "sundayddr",
    "pplsip",
    "vaxsipuseragent",
    "vaxipuseragent",
)
"""What programs that look for servers to abuse call themselves, as far as nobody else does."""


class SourcesSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[sources]}: what one source of messages may do, in each worker. A source is an IPv4 address
    or the /64 of an IPv6 address.

    @ivar exempt: addresses and networks without such limits, which are never banned for what they
        do. So are those of C{[trusted]}.
    @ivar requestsPerSecond: more are answered with 503 once in a while, or dropped; 0 is no limit.
    @ivar burst: so many requests may come at once, after a pause that is long enough.
    """

    exempt: tuple[Text, ...] = ("127.0.0.0/8", "::1")
    requestsPerSecond: Annotated[float, Meta(ge=0, le=1_000_000)] = 100.0
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 300

    def __post_init__(self) -> None:
        checkNetworks(self, "exempt")


class BansSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[bans]}: when a source is not listened to any more.

    @ivar enabled: whether anybody is banned, also by C{sipappctl ban}.
    @ivar threshold: who has so many points is banned.
    @ivar halfLife: seconds in which points become half.
    @ivar authentication: points for wrong credentials; 0 does not count them.
    @ivar scanner: points for a mark of C{scanners}; 0 does not count them.
    @ivar duration: seconds that a first ban lasts. Each further one lasts twice as long.
    @ivar longest: seconds that a ban lasts at most.
    @ivar datagramDuration: seconds that a ban lasts that rests on nothing but datagrams, in which
        anybody can write any address. It leaves connections alone.
    @ivar scanners: texts that give away a scanner when they stand in User-Agent, or in the display
        name of From, in any case. What such a program sends is dropped.
    """

    enabled: bool = True
    threshold: Annotated[float, Meta(ge=1, le=1_000_000)] = 10.0
    halfLife: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    authentication: Points = 1.0
    scanner: Points = 4.0
    duration: Days = 3600.0
    longest: Days = 604_800.0
    datagramDuration: Days = 300.0
    scanners: tuple[Text, ...] = SCANNERS


class OverloadSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[overload]}: when a worker takes no new calls and registrations, but answers them with 503,
    until it has caught up with those it has.

    @ivar enabled: whether it ever does so.
    @ivar lag: seconds that it may take from one look at its sockets to the next.
    @ivar queue: how full of unread messages the receive buffer of a UDP socket may be, as a part
        of all of it.
    @ivar transactions: how many may be without a final response.
    @ivar retryAfter: seconds after which to try again (RFC 3261 §20.33); up to twice as many are
        asked for, so that not everybody comes back at once.
    """

    enabled: bool = True
    lag: Annotated[float, Meta(ge=0.05, le=60)] = 0.5
    queue: Part = 0.5
    transactions: Annotated[int, Meta(ge=1, le=10_000_000)] = 20_000
    retryAfter: Annotated[int, Meta(ge=1, le=3600)] = 5
