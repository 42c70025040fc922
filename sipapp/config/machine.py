"""What a configuration refers to on the machine: addresses of interfaces, files, users."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from sipapp.config.errors import ConfigurationError
from sipapp.config.settings import ServerSettings

# From <linux/netlink.h>, <linux/rtnetlink.h> and <linux/if_addr.h>.
_RTM_GETADDR = 22
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_IFA_ADDRESS = 1
_IFA_LOCAL = 2
_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, interface index
_ATTRIBUTE = struct.Struct("=HH")  # length, type


def ownerOf(server: ServerSettings) -> tuple[int, int] | None:
    """Who a server runs as, and so who what it keeps belongs to.

    @return: user and group to become, or C{None} to stay who it is.
    @raise ConfigurationError: if there is no such user or group.
    """
    if server.user is None:
        return None
    try:
        entry = pwd.getpwnam(server.user)
    except KeyError:
        raise ConfigurationError(
            "", "server.user", f'there is no user "{server.user}" here'
        ) from None
    if server.group is None:
        return entry.pw_uid, entry.pw_gid
    try:
        return entry.pw_uid, grp.getgrnam(server.group).gr_gid
    except KeyError:
        raise ConfigurationError(
            "", "server.group", f'there is no group "{server.group}" here'
        ) from None


def _mayRead(path: str, server: ServerSettings) -> bool:
    """Whether a file can be read by the user of a server: the kernel is asked by a process of that
    user's, because more than the mode of the file counts."""
    try:
        owner = ownerOf(server)
    except ConfigurationError:
        return True  # it is said elsewhere that there is no such user
    if owner is None or server.user is None:
        return True
    groups = os.getgrouplist(server.user, owner[1])
    command = ["test", "-r", path]
    asked = subprocess.run(command, user=owner[0], group=owner[1], extra_groups=groups)  # noqa: S603
    return asked.returncode == 0


class Machine(Protocol):
    """What has to be known of the machine that a configuration is for."""

    def interfaces(self) -> Mapping[str, Sequence[str]]:
        """The network interfaces and the IPv4 and IPv6 addresses of each.

        @raise OSError: if they cannot be listed.
        """

    def whyUnreadable(self, path: str, server: ServerSettings) -> str | None:
        """Why this is not a file that a server can read; C{None} if it is one."""

    def whyExposed(self, path: str) -> str | None:
        """Why a file that holds secrets does not keep them; C{None} if it does, or is not there: at
        most its owner and its group can read it, and nobody but its owner can change it."""

    def whyUnfit(self, checker: str) -> str | None:
        """Why a checker of C{twisted.cred} cannot check answers to a digest challenge; C{None} if
        it can.

        @param checker: in the words of C{twisted.cred.strcred}.
        """

    def hasUser(self, name: str) -> bool:
        """Whether there is a user of this name."""

    def hasGroup(self, name: str) -> bool:
        """Whether there is a group of this name."""


class LocalMachine:
    """The machine this runs on, a L{Machine}."""

    def interfaces(self) -> Mapping[str, Sequence[str]]:
        """Ask the kernel, over netlink: neither Python nor Twisted knows IPv6 addresses."""
        found: dict[str, list[str]] = {name: [] for _, name in socket.if_nameindex()}
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
            kernel.send(
                _HEADER.pack(24, _RTM_GETADDR, _NLM_F_REQUEST_DUMP, 1, 0)
                + _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
            )
            while (addresses := _addresses(kernel.recv(1 << 16))) is not None:
                for index, address in addresses:
                    found.setdefault(socket.if_indextoname(index), []).append(address)
        return found

    def whyUnreadable(self, path: str, server: ServerSettings) -> str | None:
        """Try to read it; if this is root, who may read everything, also as who it becomes."""
        try:
            with open(path, "rb") as stream:
                stream.read(1)
        except OSError as error:
            return error.strerror
        if os.geteuid() == 0 and server.user is not None and not _mayRead(path, server):
            return f"the user {server.user} may not"
        return None

    def whyExposed(self, path: str) -> str | None:
        """Look at its mode."""
        try:
            mode = os.stat(path).st_mode
        except OSError:
            return None
        if mode & 0o007:
            return f"everybody can {'change' if mode & 0o002 else 'read'} it: chmod o= {path}"
        if mode & 0o020:
            return f"its group can change it: chmod g-w {path}"
        return None

    def whyUnfit(self, checker: str) -> str | None:
        """Look what its plugin says."""
        # Few have a checker, and who types a tab after sipappctl should not wait for all of this.
        from twisted.cred.credentials import IUsernameDigestHash, IUsernameHashedPassword
        from twisted.cred.strcred import InvalidAuthType, findCheckerFactory

        name = checker.partition(":")[0]
        try:
            factory = findCheckerFactory(name)
        except InvalidAuthType:
            return f'no plugin provides "{name}"'
        answerable = {IUsernameHashedPassword, IUsernameDigestHash}
        if answerable.isdisjoint(factory.credentialInterfaces):
            return f'"{name}" knows neither passwords nor digests, so it cannot check an answer'
        return None

    def hasUser(self, name: str) -> bool:
        """Look into the user database."""
        try:
            pwd.getpwnam(name)
        except KeyError:
            return False
        return True

    def hasGroup(self, name: str) -> bool:
        """Look into the group database."""
        try:
            grp.getgrnam(name)
        except KeyError:
            return False
        return True


def _addresses(data: bytes) -> list[tuple[int, str]] | None:
    """Interface index and address of each entry of one read; C{None} at the end of the dump."""
    entries = []
    offset = 0
    while offset < len(data):
        length, kind, *_ = _HEADER.unpack_from(data, offset)
        if kind == _NLMSG_DONE:
            return None
        if kind == _NLMSG_ERROR:
            raise OSError("the kernel does not list its addresses")
        start = offset + _HEADER.size
        family, _, _, _, index = _ADDRESS.unpack_from(data, start)
        if family in (socket.AF_INET, socket.AF_INET6):
            attributes = dict(_attributes(data[start + _ADDRESS.size : offset + length]))
            # On a point-to-point link ADDRESS is the other end and LOCAL is ours.
            address = attributes.get(_IFA_LOCAL) or attributes[_IFA_ADDRESS]
            entries.append((index, socket.inet_ntop(family, address)))
        offset += (length + 3) & ~3
    return entries


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[(length + 3) & ~3 :]
