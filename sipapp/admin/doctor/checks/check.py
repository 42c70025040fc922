"""What a check is, and the shape that many of them have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, Severity, sysctl
from sipapp.admin.doctor.host import Host

__all__ = ["Check", "Checks", "Found", "atLeast"]

Found = Iterator[Finding]

Check = Callable[[Host, Demand], Found]
"""Says what does not fit; what it cannot see, it says nothing of."""

Checks = Mapping[str, Check]
"""Checks by name: that of their findings, and that of their place in C{docs/tuning.md}."""


def atLeast(
    host: Host, name: str, key: str, wanted: int, why: str, severity: Severity = "warning"
) -> Found:
    """Find a setting of the kernel that is too small.

    @param name: of the check.
    @param key: of the setting.
    """
    current = host.number(key)
    if current is not None and current < wanted:
        yield Finding(
            severity, name, f"{key} = {current}", f"at least {wanted}", why, sysctl(key, wanted)
        )
