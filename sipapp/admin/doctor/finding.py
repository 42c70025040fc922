"""What a check finds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["SEVERITIES", "Finding", "Severity", "sysctl"]

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From the worst on. An I{error}: the server cannot do what it is configured for, or is about to
stop. A I{warning}: it loses or refuses something when it is busy. A I{note}: worth knowing."""


class Finding(Struct, frozen=True):
    """Something that does not fit.

    @ivar severity: how bad that is.
    @ivar name: of the check, as C{docs/tuning.md} has it.
    @ivar current: what there is.
    @ivar wanted: what there should be.
    @ivar why: what happens otherwise.
    @ivar mend: the line that mends it, for a shell unless it names a file; empty if there is no
        such line.
    """

    severity: Severity
    name: str
    current: str
    wanted: str
    why: str
    mend: str = ""


def sysctl(key: str, *values: object) -> str:
    """
    @return: the command that gives a kernel setting these values.
    """
    words = " ".join(map(str, values))
    return f'sysctl -w {key}="{words}"' if len(values) > 1 else f"sysctl -w {key}={words}"
