"""Finds the application usages: the built-in ones, and those of every other installed package."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from twisted.plugin import getPlugins

import twisted.plugins
from sipapp.interfaces import IApplicationUsage
from sipapp.xcap import usages

__all__ = ["NoSuchUsage", "applicationUsages"]


class NoSuchUsage(Exception):
    """No installed package has an application usage of this name."""

    def __init__(self, auid: str, known: Collection[str]) -> None:
        super().__init__(f"there is no application usage {auid!r}, only {', '.join(sorted(known))}")
        self.auid = auid


def applicationUsages(auids: Collection[str] | None = None) -> Mapping[str, IApplicationUsage]:
    """
    @param auids: which ones; C{None} for all of them.
    @return: by AUID, in its order.
    @raise NoSuchUsage: if one of them is not installed.
    """
    found = {
        usage.auid: usage
        for package in (twisted.plugins, usages)
        for usage in getPlugins(IApplicationUsage, package)
    }
    for auid in auids or ():
        if auid not in found:
            raise NoSuchUsage(auid, found)
    return {auid: found[auid] for auid in sorted(found if auids is None else auids)}
