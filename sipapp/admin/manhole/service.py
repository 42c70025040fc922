"""The SSH server that the manhole is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.conch.checkers import SSHPublicKeyChecker
from twisted.conch.manhole_ssh import ConchFactory
from twisted.conch.ssh.keys import BadKeyError, FingerprintFormats, Key
from twisted.conch.ssh.transport import SSHServerTransport
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp import __version__
from sipapp.admin.manhole.keys import UserKeys, hostKey
from sipapp.admin.manhole.namespace import namespaceOf
from sipapp.admin.manhole.places import Here, InWorker
from sipapp.admin.manhole.session import CONCH, Opening, Realm
from sipapp.admin.methods import Methods, Workforce
from sipapp.config import ManholeSettings, Settings
from sipapp.rpc import Caller
from sipapp.rpc.methods import Audit

__all__ = ["Manhole"]

_log = Logger()

#: Seconds that somebody may take to log in.
_GRACE = 60.0
#: Connections of those who have not yet. For another one the eldest goes.
_STRANGERS = 16


class Manhole(Service):
    """Listens while it runs.

    @ivar port: the one that it listens at; 0 while it does not.
    """

    def __init__(
        self,
        settings: ManholeSettings,
        keyPath: Path,
        methods: Methods,
        workforce: Workforce,
        audit: Audit,
        inForce: Callable[[], Settings],
        reactor: Any,
    ) -> None:
        """
        @param keyPath: where the host key is kept.
        @param inForce: gives the whole configuration.
        """
        self.port = 0
        self._settings = settings
        self._keyPath = keyPath
        self._methods = methods
        self._workforce = workforce
        self._audit = audit
        self._inForce = inForce
        self._reactor = reactor
        self._listening: Any = None
        self._connections: dict[_Connection, None] = {}

    def startService(self) -> None:
        super().startService()
        users = UserKeys(lambda: self._settings.users)
        for name in self._settings.users:
            # What is wrong with them is said now and not when somebody needs to get in.
            if not list(users.getAuthorizedKeys(name.encode())):
                _log.warn("{user} has no key to get into the manhole with", user=name)
        opening = Opening(self._here, self._inWorker, self._greeting, self._noted)
        try:
            key = hostKey(self._keyPath)
            portal = Portal(Realm(opening), [SSHPublicKeyChecker(users)])
            factory = _Factory(portal, key, self._connections, self._reactor)
            self._listening = self._reactor.listenTCP(
                self._settings.port, factory, interface=self._settings.address
            )
        except (BadKeyError, CannotListenError, OSError) as error:
            raise SystemExit(f"sipapp: the manhole cannot be: {error}") from error
        self.port = self._listening.getHost().port
        _log.info(
            "The manhole is at {address} port {port}, its host key {fingerprint}",
            address=self._settings.address,
            port=self.port,
            # As OpenSSH writes it.
            fingerprint=f"SHA256:{key.fingerprint(FingerprintFormats.SHA256_BASE64).rstrip('=')}",
        )

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        listening, self._listening = self._listening, None
        self.port = 0
        for each in list(self._connections):
            each.transport.abortConnection()
        return succeed(None) if listening is None else maybeDeferred(listening.stopListening)

    def _here(self, caller: Caller, enter: Callable[[str], None]) -> Here:
        descriptions = self._methods.descriptions()
        namespace = namespaceOf(
            descriptions,
            lambda name, parameters: self._methods.call(caller, name, parameters),
            self._workforce,
            self._inForce,
            enter,
        )
        return Here(namespace, descriptions, self._audit, caller)

    def _inWorker(self, name: str, caller: Caller) -> InWorker:
        return InWorker(name, self._workforce, self._audit, caller)

    def _greeting(self) -> str:
        return f"sipapp {__version__}. help() says what there is here."

    def _noted(self, caller: Caller) -> None:
        _log.info("{name} opens a console from {source}", name=caller.name, source=caller.source)
        self._audit.write(caller, "manhole.open", {}, None, 0.0)


class _Connection(SSHServerTransport):
    """One, which its factory knows of."""

    _log = CONCH
    factory: _Factory
    transport: Any
    # What is not needed is not told.
    ourVersionString = b"SSH-2.0-sipapp"

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        """They have hung up."""

    @property
    def isKnown(self) -> bool:
        """Whether somebody has logged in."""
        return getattr(self, "avatar", None) is not None

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.connections[self] = None
        self._patience = self.factory.reactor.callLater(_GRACE, self._tooLate)

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.factory.connections.pop(self, None)
        if self._patience.active():
            self._patience.cancel()
        super().connectionLost(reason)

    def _tooLate(self) -> None:
        if not self.isKnown:
            self.transport.abortConnection()


class _Factory(ConchFactory):
    """Makes connections that show one key."""

    _log = CONCH
    protocol = _Connection
    noisy = False
    publicKeys: dict[bytes, Any]
    privateKeys: dict[bytes, Any]

    def __init__(
        self, portal: Portal, key: Key, connections: dict[_Connection, None], reactor: Any
    ) -> None:
        """
        @param connections: those that there are, the eldest first.
        """
        super().__init__(portal)
        self.connections = connections
        self.reactor = reactor
        self.publicKeys = {key.sshType(): key.public()}
        self.privateKeys = {key.sshType(): key}

    def buildProtocol(self, address: Any) -> Any:
        """Whoever is on the machine may connect: they do not get all of the parent's files."""
        strangers = [each for each in self.connections if not each.isKnown]
        if len(strangers) >= _STRANGERS:
            strangers[0].transport.abortConnection()
        return super().buildProtocol(address)
