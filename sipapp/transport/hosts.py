"""The names in the hosts file, which need no DNS."""

from __future__ import annotations

import os
from collections.abc import Callable

from sipapp.transport.records import familyOf

__all__ = ["HostsFile", "parseHosts"]

_LOOPBACK: dict[str, tuple[str, ...]] = {"localhost": ("127.0.0.1", "::1")}
"""RFC 6761 §6.3: never a matter for the DNS, whether the file has it or not."""


def parseHosts(text: str) -> dict[str, tuple[str, ...]]:
    """Read hosts(5): the addresses of each name, in lower case."""
    names: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        address, *hosts = line.partition("#")[0].split() or [""]
        if familyOf(address):
            for host in hosts:
                known = names.get(host.lower(), ())
                if address not in known:
                    names[host.lower()] = (*known, address)
    return names


class HostsFile:
    """Reads the file again when it has changed, and looks for that every few seconds at most."""

    interval = 5.0

    def __init__(self, clock: Callable[[], float], path: str = "/etc/hosts") -> None:
        """
        @param clock: gives seconds that never run backwards.
        """
        self._clock = clock
        self._path = path
        self._looked = -self.interval - clock()
        self._version: tuple[int, int] | None = None
        self._names: dict[str, tuple[str, ...]] = _LOOPBACK

    def addresses(self, name: str) -> tuple[str, ...]:
        """
        @param name: in lower case, without a dot at the end.
        @return: empty if the file does not have it.
        """
        now = self._clock()
        if self._version is None or now - self._looked >= self.interval:
            self._looked = now
            self._read()
        return self._names.get(name, ())

    def _read(self) -> None:
        try:
            stat = os.stat(self._path)
            version = stat.st_mtime_ns, stat.st_size
            if version == self._version:
                return
            with open(self._path, encoding="utf-8", errors="replace") as file:
                names = parseHosts(file.read())
        except OSError:
            version, names = (0, 0), {}
        self._version = version
        self._names = {**_LOOPBACK, **names}
