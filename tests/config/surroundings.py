"""What a configuration meets in these tests: resources, and a machine that is always the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from sipapp.config import Plan, ServerSettings, Settings, SettingsTable, parseSettings, resolve

FILE = "etc/sipapp.toml"


class Plain(SettingsTable, frozen=True, kw_only=True):
    """A resource without settings."""


class Weight(SettingsTable, frozen=True, kw_only=True):
    """A table in a list of tables."""

    peer: str
    value: int = 1


class Proxy(SettingsTable, frozen=True, kw_only=True):
    """A resource with settings of every type."""

    mode: Literal["stateful", "stateless"] = "stateful"
    status: Literal[404, 480] = 480
    recordRoute: bool = True
    timerC: Annotated[float, msgspec.Meta(gt=0)] | None = None
    trusted: tuple[str, ...] = ()
    weights: tuple[Weight, ...] = ()
    names: dict[str, int] = {}

    def __post_init__(self) -> None:
        if "everybody" in self.trusted:
            raise ValueError("nobody trusts everybody")


class Replicate(SettingsTable, frozen=True, kw_only=True):
    """A resource that cannot do without its table."""

    peers: tuple[str, ...]


RESOURCE_TYPES: dict[str, tuple[str, type[msgspec.Struct]]] = {
    "authenticate": ("sip", Plain),
    "options": ("sip", Plain),
    "registrar": ("sip", Plain),
    "proxy": ("sip", Proxy),
    "replicate": ("sip", Replicate),
    "health": ("web", Plain),
    "calls-file": ("calls", Plain),
}


@dataclass
class FakeMachine:
    """A machine of our making, a C{sipapp.config.Machine}."""

    addresses: Mapping[str, Sequence[str]] = field(
        default_factory=lambda: {
            "lo": ("127.0.0.1", "::1"),
            "eth0": ("192.0.2.1", "2001:db8::1", "fe80::1"),
            "tun0": (),
            "eth1": ("192.0.2.65",),
        }
    )
    unreadable: Mapping[str, str] = field(default_factory=dict)
    exposed: Mapping[str, str] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)
    users: Sequence[str] = ("sipapp",)
    groups: Sequence[str] = ("sipapp",)
    broken: bool = False

    def interfaces(self) -> Mapping[str, Sequence[str]]:
        if self.broken:
            raise OSError("no netlink here")
        return self.addresses

    def whyUnreadable(self, path: str, server: ServerSettings) -> str | None:
        return self.unreadable.get(path)

    def whyExposed(self, path: str) -> str | None:
        return self.exposed.get(path)

    def whyUnfit(self, checker: str) -> str | None:
        return self.unfit.get(checker)

    def hasUser(self, name: str) -> bool:
        return name in self.users

    def hasGroup(self, name: str) -> bool:
        return name in self.groups


def parse(text: str) -> Settings:
    """Settings of the text of a file."""
    return parseSettings(text, FILE, RESOURCE_TYPES)


def plan(text: str, machine: FakeMachine | None = None) -> Plan:
    """The plan of the text of a file."""
    return resolve(parse(text), FakeMachine() if machine is None else machine)
