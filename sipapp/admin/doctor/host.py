"""What the kernel and the files of a machine say: C{/proc}, C{/sys} and C{/etc}, wherever they are.

Values are found by the names that the kernel writes beside them, and never by their place, which
changes from version to version.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["UNLIMITED", "Host"]

UNLIMITED = sys.maxsize
"""A limit that is none."""

_CONTROL_GROUPS = "/sys/fs/cgroup"
# Version 1 says "no limit" with the largest number of pages.
_NO_CONTROL_GROUP_LIMIT = 1 << 60

# Of files that are read at boot, by their precedence.
_SETTINGS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")

_LIMIT = re.compile(r"(.+?)\s{2,}(\S+)\s+(\S+)")
_ASSIGNMENT = re.compile(r"-?\s*([^\s#;=]+)\s*=\s*(.*?)\s*")


class Host:
    """A machine, as one of its processes sees it.

    @ivar now: the time there.
    @ivar pageSize: of its memory, in bytes.
    @ivar unseen: kernel settings that were asked for and could not be read, as in a container.
    """

    def __init__(
        self,
        root: Path | str = "/",
        process: int | str = "self",
        now: datetime | None = None,
    ) -> None:
        """
        @param root: the directory that C{/proc}, C{/sys}, C{/etc} and all other paths are below.
        @param process: whose limits and control groups count: a process id, or this process.
        """
        self._root = Path(root)
        self._process = f"/proc/{process}"
        self.now = datetime.now(UTC) if now is None else now
        self.pageSize = os.sysconf("SC_PAGE_SIZE")
        self.unseen: list[str] = []

    # Files.

    def path(self, name: str) -> Path:
        """Where a file of the machine is."""
        return self._root / name.lstrip("/")

    def read(self, name: str) -> bytes | None:
        """
        @return: a file; C{None} if it is not there, or not for us.
        """
        try:
            return self.path(name).read_bytes()
        except OSError:
            return None

    def text(self, name: str) -> str | None:
        data = self.read(name)
        return None if data is None else data.decode(errors="replace")

    def lines(self, name: str) -> list[str]:
        """The lines of a file; none if it is not there."""
        return (self.text(name) or "").splitlines()

    def status(self, name: str) -> os.stat_result | None:
        """Owner and mode of a file or directory."""
        try:
            return self.path(name).stat()
        except OSError:
            return None

    # Settings of the kernel.

    def numbers(self, key: str) -> tuple[int, ...] | None:
        """
        @param key: such as C{net.ipv4.tcp_mem}.
        @return: the numbers of a setting; C{None} if there is none of this name here.
        """
        text = self.text(f"/proc/sys/{key.replace('.', '/')}")
        try:
            found = tuple(map(int, text.split())) if text is not None else ()
        except ValueError:
            found = ()
        if not found:
            self.unseen.append(key)
        return found or None

    def number(self, key: str) -> int | None:
        """The first number of a setting."""
        found = self.numbers(key)
        return None if found is None else found[0]

    def has(self, key: str) -> bool:
        """Whether there is a setting of this name."""
        return self.path(f"/proc/sys/{key.replace('.', '/')}").exists()

    @property
    def release(self) -> tuple[int, int]:
        """Version of the kernel; (0, 0) if it does not say."""
        found = re.match(r"(\d+)\.(\d+)", self.text("/proc/sys/kernel/osrelease") or "")
        return (0, 0) if found is None else (int(found[1]), int(found[2]))

    def assignments(self) -> Iterator[tuple[str, str, str]]:
        """
        @return: what is set at boot: file, setting as it is written there, and value.
        """
        names: dict[str, str] = {}
        for directory in _SETTINGS:
            for each in sorted(self.path(directory).glob("*.conf")):
                # One of the same name before it stands in its place.
                names.setdefault(each.name, f"{directory}/{each.name}")
        seen = set()
        for name in ("/etc/sysctl.conf", *names.values()):
            # Debian has a link in sysctl.d to sysctl.conf.
            file = self.path(name).resolve()
            if file not in seen:
                seen.add(file)
                for line in self.lines(name):
                    found = _ASSIGNMENT.fullmatch(line.strip())
                    if found is not None:
                        yield name, found[1], found[2]

    # The process.

    def limit(self, name: str) -> int | None:
        """
        @param name: as in C{/proc/self/limits}, such as C{Max open files}.
        @return: the limit that is in force.
        """
        for line in self.lines(f"{self._process}/limits"):
            found = _LIMIT.match(line)
            if found is not None and found[1] == name:
                return UNLIMITED if found[2] == "unlimited" else int(found[2])
        return None

    def mayUse(self, capability: int) -> bool:
        """
        @param capability: its number in C{<linux/capability.h>}.
        """
        return bool(int(self._field("CapEff") or "0", 16) >> capability & 1)

    def controlGroupLimit(self, controller: str, file: str, oldFile: str) -> int | None:
        """The smallest limit of the control groups that the process is in.

        @param controller: such as C{memory}.
        @param file: what holds the limit, in version 2.
        @param oldFile: what holds it in version 1.
        @return: C{None} if there is none.
        """
        limits = []
        for line in self.lines(f"{self._process}/cgroup"):
            _, controllers, group = line.split(":", 2)
            if not controllers:
                trees, name = [_CONTROL_GROUPS, f"{_CONTROL_GROUPS}/unified"], file
            elif controller in controllers.split(","):
                trees, name = [f"{_CONTROL_GROUPS}/{controllers}"], oldFile
            else:
                continue
            steps = [step for step in group.split("/") if step]
            for tree in trees:
                for depth in range(len(steps) + 1):
                    text = self.text("/".join((tree, *steps[:depth], name)))
                    if text is not None and text.strip().isdecimal():
                        limits.append(int(text))
        return min((each for each in limits if each < _NO_CONTROL_GROUP_LIMIT), default=None)

    # What it is made of.

    @property
    def memory(self) -> int | None:
        """Bytes of memory that the machine has."""
        for line in self.lines("/proc/meminfo"):
            name, _, value = line.partition(":")
            if name == "MemTotal":
                return int(value.split()[0]) << 10
        return None

    @property
    def cores(self) -> int | None:
        """The CPUs that the process may run on."""
        spans = self._field("Cpus_allowed_list")
        return None if spans is None else sum(map(_width, spans.split(",")))

    def _field(self, name: str) -> str | None:
        """A field of what the kernel says of the process."""
        for line in self.lines(f"{self._process}/status"):
            found, _, value = line.partition(":")
            if found == name:
                return value.strip()
        return None

    # What it counts.

    def counters(self, name: str) -> Mapping[str, Mapping[str, int]]:
        """
        @param name: of a file with a line of names before each line of values, such as
            C{/proc/net/netstat}.
        @return: values by group and name.
        """
        lines = self.lines(name)
        found: dict[str, dict[str, int]] = {}
        for names, values in zip(lines[::2], lines[1::2], strict=False):
            group, _, columns = names.partition(":")
            same, _, numbers = values.partition(":")
            if group == same:
                found[group] = dict(zip(columns.split(), map(int, numbers.split()), strict=False))
        return found

    def socketCounters(self) -> Mapping[str, Mapping[str, int]]:
        """C{/proc/net/sockstat}: numbers by protocol and name."""
        found = {}
        for line in self.lines("/proc/net/sockstat"):
            group, _, rest = line.partition(":")
            words = rest.split()
            found[group] = dict(zip(words[::2], map(int, words[1::2]), strict=True))
        return found

    def sockets(self, table: str) -> Iterator[Mapping[str, str]]:
        """
        @param table: C{udp}, C{udp6}, C{tcp} or C{tcp6}.
        @return: the row of each socket, by the names in the heading.
        """
        heading, *rows = self.lines(f"/proc/net/{table}") or [""]
        # Two pairs of names have one word of a row between them, with a colon.
        for pair in ("tx_queue rx_queue", "tr tm->when"):
            heading = heading.replace(pair, pair.replace(" ", ":"))
        names = heading.split()
        for row in rows:
            yield dict(zip(names, row.split(), strict=False))

    def processSockets(self, process: int) -> frozenset[str]:
        """The inodes of the sockets that a process has open; none if that is not for us to know."""
        found = set()
        try:
            for each in self.path(f"/proc/{process}/fd").iterdir():
                target = os.readlink(each)
                if target.startswith("socket:["):
                    found.add(target[8:-1])
        except OSError:
            return frozenset()
        return frozenset(found)


def _width(span: str) -> int:
    """How many numbers C{0-3} or C{5} stands for."""
    first, _, last = span.partition("-")
    return int(last or first) - int(first) + 1
