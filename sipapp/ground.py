"""What a server stands on: directories, its secret, its workers' inboxes, and who it runs as."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from twisted.application.service import Service
from twisted.logger import Logger
from twisted.python.util import switchUID

from sipapp.config import Settings, ownerOf
from sipapp.estate import GroundEstate
from sipapp.location.copies import thisBoot
from sipapp.ownership import asOwner, makeOwned
from sipapp.pool import BindError, bindInbox
from sipapp.storage import AccountFile, DocumentFile, SQLiteFileUnusable
from sipapp.storage.banrecovery import recoverBans

__all__ = ["Ground"]

_log = Logger()

_SECRET_SIZE = 32


class Ground(Service):
    """What has to be there before anything else: directories, the secret, the file of accounts, the
    workers' inboxes.

    It is the first to start, so it is also where the privileges are dropped: every listener has
    bound its sockets by then, and no pool has been started.

    @ivar secret: what identifiers are signed with.
    @ivar inboxes: for each worker's code, the socket that it is reached at over the bus.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.server
        self._secretPath = Path(settings.secretPath)
        # Whoever has passwords elsewhere needs none.
        isAsked = settings.accounts.checker is None
        self._accountsPath = Path(settings.accountsPath) if isAsked else None
        # Made when somebody needs it.
        self._documentsPath = Path(settings.documentsPath)
        self.busDirectory = Path(settings.server.runDirectory) / "bus"
        self.secret = b""
        self.inboxes: dict[str, socket.socket] = {}
        self._owner = ownerOf(settings.server)
        # Where the path of a worker that is no more leads to, by its code.
        self._heirs: dict[str, str] = {}
        # What keeps other servers out of the run directory.
        self._claim: int | None = None
        self._bansPath = Path(settings.bansPath) if settings.bans.enabled else None
        self._isHeir = False

    def bequeath(self) -> GroundEstate:
        """Describe what is there to the next image."""
        inboxes = {code: each.fileno() for code, each in self.inboxes.items()}
        return GroundEstate(inboxes, dict(self._heirs), self._claim)

    def inherit(self, estate: GroundEstate) -> None:
        """Go on with what an earlier image has left; before this service starts."""
        self.inboxes = {code: socket.socket(fileno=fd) for code, fd in estate.inboxes.items()}
        self._heirs = dict(estate.heirs)
        self._claim = estate.claim
        self._isHeir = True

    def inboxPath(self, code: str) -> str:
        return str(self.busDirectory / code)

    def privilegedStartService(self) -> None:
        for directory in (
            Path(self._settings.runDirectory),
            self.busDirectory,
            Path(self._settings.stateDirectory),
        ):
            make = partial(directory.mkdir, mode=0o700, parents=True, exist_ok=True)
            makeOwned(directory, self._owner, make)
        if self._claim is None:
            self._claim = asOwner(self._owner, partial(_claim, self._settings.runDirectory))
        self.secret = self._readSecret()
        if self._accountsPath is not None:
            make = partial(AccountFile.create, self._accountsPath)
            try:
                makeOwned(self._accountsPath, self._owner, make)
            except SQLiteFileUnusable as error:
                raise OSError(str(error)) from error
        asOwner(self._owner, self._clearBus)

    def _clearBus(self) -> None:
        """Remove what a server that was killed has left behind."""
        ours = self.inboxes.keys() | self._heirs.keys()
        for path in self.busDirectory.iterdir():
            if path.name not in ours and (path.is_socket() or path.is_symlink()):
                path.unlink()

    def startService(self) -> None:
        super().startService()
        # An image that follows another has dropped them already.
        if self._owner is not None and self._owner != (os.geteuid(), os.getegid()):
            uid, gid = self._owner
            switchUID(uid, gid)
            _log.info("Runs as uid {uid}, gid {gid}", uid=uid, gid=gid)
        elif os.geteuid() == 0:
            _log.warn("Runs as root: whom it should become instead, [server] user says")
        try:
            # The program that follows this one has to, as does every worker.
            self._secretPath.read_bytes()
            if self._accountsPath is not None:
                AccountFile(self._accountsPath).close()
            if self._documentsPath.exists():
                DocumentFile(self._documentsPath).close()
            if self._bansPath is not None and not self._isHeir:
                recoverBans(self._bansPath, thisBoot())
        except (OSError, SQLiteFileUnusable) as error:
            raise SystemExit(f"sipapp: as uid {os.geteuid()}: {error}") from error

    def stopService(self) -> None:
        super().stopService()
        for code in self._heirs:
            Path(self.inboxPath(code)).unlink(missing_ok=True)
        self.closeInboxes(dict.fromkeys(self.inboxes))
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def openInboxes(self, codes: Iterable[str]) -> None:
        """Bind the inboxes of workers that are to be started.

        @raise BindError: if that cannot be; there are none of them then.
        """
        opened: dict[str, socket.socket] = {}
        try:
            for code in codes:
                bind = partial(bindInbox, self.inboxPath(code))
                opened[code] = asOwner(self._owner, bind)
        except BindError:
            self.inboxes |= opened
            self.closeInboxes(dict.fromkeys(opened))
            raise
        self.inboxes |= opened

    def closeInboxes(self, heirs: Mapping[str, str | None]) -> None:
        """Close the inboxes of workers that are gone for good.

        @param heirs: for the code of each, that of the worker that is reached by its path from
            now on, as there may be tokens that name it; C{None} if nobody is.
        """
        for code, named in heirs.items():
            # The one named may have gone before this one.
            heir = None if named is None else self._heirs.get(named, named)
            inbox = self.inboxes.pop(code, None)
            if inbox is not None:
                inbox.close()
            self._lead(code, heir)
            for earlier in [each for each, its in self._heirs.items() if its == code]:
                self._lead(earlier, heir)

    @property
    def deadNames(self) -> set[str]:
        """The codes of workers that are no more and whose paths lead to others."""
        return set(self._heirs)

    def forget(self, codes: Iterable[str]) -> None:
        """Remove the paths of workers that are no more: nothing names them."""
        for code in codes:
            if code in self._heirs:
                self._lead(code, None)

    def _lead(self, code: str, heir: str | None) -> None:
        """Have the path of a worker lead to another one; never through a third, for the kernel
        follows only so many links."""
        path = Path(self.inboxPath(code))
        if heir is None:
            self._heirs.pop(code, None)
            path.unlink(missing_ok=True)
            return
        self._heirs[code] = heir
        unfinished = self.busDirectory / f".{code}"
        try:
            unfinished.unlink(missing_ok=True)
            unfinished.symlink_to(heir)
            unfinished.replace(path)
        except OSError as error:
            # A full disk, or somebody has removed the directory. By this name nobody is reached any
            # more; nothing else is to suffer.
            _log.error("{path} does not lead to {heir}: {error}", path=path, heir=heir, error=error)

    def give(self, fd: int) -> None:
        """Make a socket belong to the user that the workers run as."""
        if self._owner is not None:
            os.chown(fd, *self._owner)

    def _readSecret(self) -> bytes:
        """Read the secret; make one at the first start."""
        try:
            secret = self._secretPath.read_bytes()
        except FileNotFoundError:
            secret = makeOwned(self._secretPath, self._owner, self._makeSecret)
        if len(secret) < _SECRET_SIZE:
            raise OSError(f"{self._secretPath}: a secret has at least {_SECRET_SIZE} bytes")
        return secret[:64]

    def _makeSecret(self) -> bytes:
        secret = secrets.token_bytes(_SECRET_SIZE)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        fd = os.open(self._secretPath, flags, 0o600)
        try:
            with open(fd, "wb") as file:
                file.write(secret)
        except OSError as error:
            # The next start would take a part of it for the whole.
            self._secretPath.unlink()
            raise OSError(error.errno, error.strerror, str(self._secretPath)) from error
        return secret


def _claim(directory: str) -> int:
    """Have a run directory for this server alone: another one would take the inboxes of its workers
    away. The kernel gives it free when this process ends, however it does.

    @return: a descriptor, to be kept open.
    @raise OSError: if another server has it.
    """
    claim = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise OSError(
            f"{directory}: another server runs with this run_directory; each has one of its own"
        ) from None
    except OSError as error:
        # Not every file system can do this.
        _log.info("{directory} cannot be locked: {error}", directory=directory, error=error)
    return claim
