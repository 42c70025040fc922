"""The settings of a server: frozen values, one class for each table of the configuration file.

A field is called by its TOML key in camelCase: C{socket_workers} is C{socketWorkers} here. What is
checked on a field alone stands on the field; what concerns several fields is in
C{sipapp.config.checks}, and what concerns the machine in C{sipapp.config.resolve}.

Durations are seconds, sizes are bytes. A path is made absolute when it is read, from the directory
that the server was started in, because a daemon changes its directory later.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from sipapp.config.accountsettings import AccountsSettings
from sipapp.config.adjustments import Adjustments
from sipapp.config.administrationsettings import AdministrationSettings
from sipapp.config.admissionsettings import BansSettings, OverloadSettings, SourcesSettings
from sipapp.config.callsettings import CallRecordsSettings
from sipapp.config.listensettings import ListenSettings
from sipapp.config.manholesettings import ManholeSettings
from sipapp.config.tlssettings import ClientTLSSettings
from sipapp.config.trustsettings import TrustedSettings
from sipapp.config.values import SettingsTable, Text, Workers, makeAbsolute


def usableCPUs() -> int:
    """The default for C{children}: the CPUs this process may run on, but at least 2, so that one
    busy worker is never the whole server, and at most 8, so that a large machine with several UDP
    sockets does not start hundreds of processes unasked."""
    return min(max(len(os.sched_getaffinity(0)), 2), 8)


class ServerSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[server]}: the server as a whole.

    @ivar domains: the domains that this server registers users of and routes to them, lower-case.
        Its own listen and advertised addresses are always local too (RFC 3261 §16.4, §16.5).
    @ivar user: the user to become once the sockets are bound; C{None} stays who it is.
    @ivar group: the group to become; C{None} is the user's primary group.
    @ivar runDirectory: for sockets and files that mean nothing after a stop.
    @ivar stateDirectory: for what survives a restart.
    @ivar secretFile: the key that identifiers are signed with; C{None} is C{secret} in the state
        directory. It is made, readable by the user alone, at the first start.
    @ivar name: the text of the Server and User-Agent headers (RFC 3261 §20.35, §20.41); C{None}
        adds none.
    @ivar drainTimeout: how long a worker that was asked to stop waits for its transactions.
    """

    domains: tuple[Text, ...] = ()
    user: Text | None = None
    group: Text | None = None
    runDirectory: Text = "run"
    stateDirectory: Text = "run/state"
    secretFile: Text | None = None
    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    drainTimeout: Annotated[float, Meta(ge=0, le=86_400)] = 5.0

    def __post_init__(self) -> None:
        force_setattr(self, "domains", tuple(domain.lower() for domain in self.domains))
        makeAbsolute(self, "runDirectory", "stateDirectory", "secretFile")


class PoolsSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[pools]}: the sizes of the pools of listeners without C{socket_workers}.

    @ivar children: processes for each UDP listener; see L{usableCPUs} for the default.
    @ivar tcpChildren: processes of the pool that the TCP and TLS listeners share; C{None} is as
        many as C{children}.
    @ivar tcpMaxConnections: how many TCP and TLS connections peers may have to all workers at once;
        C{None} is what the listeners allow. Each worker has its share.
    @ivar stuckTimeout: how long a worker may give no sign of life until it is replaced.
    @ivar memoryLimit: how many MiB a worker may occupy until it is replaced; C{None} is any number.
    """

    children: Workers = field(default_factory=usableCPUs)
    tcpChildren: Workers | None = None
    tcpMaxConnections: Annotated[int, Meta(ge=1, le=100_000_000)] | None = None
    stuckTimeout: Annotated[float, Meta(ge=2, le=86_400)] = 10.0
    memoryLimit: Annotated[int, Meta(ge=1, le=1 << 24)] | None = None

    @property
    def sharedSize(self) -> int:
        """The size of the shared pool."""
        return self.children if self.tcpChildren is None else self.tcpChildren


class LocationSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[location]}: where the registrar keeps its bindings.

    @ivar store: C{lmdb} is shared by all workers and survives a restart; C{memory} does neither,
        so it is refused unless there is but one SIP worker.
    @ivar path: directory of the LMDB environment; C{None} is C{location} in the state directory.
    @ivar mapSize: the most that the database may grow to, in bytes. It takes address space; disk
        is used as needed.
    @ivar syncInterval: at most so many seconds of registrations are lost when the power fails;
        what a crash of the server loses is nothing.
    """

    store: Literal["lmdb", "memory"] = "lmdb"
    path: Text | None = None
    mapSize: Annotated[int, Meta(ge=1 << 20, le=1 << 44)] = 1 << 30
    syncInterval: Annotated[float, Meta(gt=0, le=3600)] = 1.0

    def __post_init__(self) -> None:
        makeAbsolute(self, "path")


class DNSSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[sip.dns]}: finding servers, RFC 3263.

    @ivar nameservers: addresses, with C{:port} if it is not 53 (C{[2001:db8::1]:5353}); none are
        those of C{/etc/resolv.conf}.
    @ivar timeout: for the answer to one query.
    @ivar negativeTTL: how long it is remembered that a name or record does not exist.
    @ivar maxEntries: answers kept in the cache of each worker.
    """

    nameservers: tuple[Text, ...] = ()
    timeout: Annotated[float, Meta(gt=0, le=60)] = 2.0
    negativeTTL: Annotated[float, Meta(ge=0, le=86_400)] = 30.0
    maxEntries: Annotated[int, Meta(ge=16, le=10_000_000)] = 10_000


class SIPSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[sip]}: the protocol's own numbers.

    @ivar t1: estimate of the round-trip time, RFC 3261 §17.1.1.1.
    @ivar t2: longest time between retransmissions of anything but INVITE requests.
    @ivar t4: how long a message may stay in the network.
    @ivar timerC: how long a proxied INVITE may ring, renewed by each provisional response. RFC
        3261 §16.6 (11) wants more than three minutes.
    @ivar udpMTU: a request longer than this goes over TCP instead of UDP, RFC 3261 §18.1.1.
    @ivar udpReceiveBuffer: what the kernel keeps for each UDP socket until its worker reads it.
        A server that is not started as root gets at most C{net.core.rmem_max}.
    @ivar connectTimeout: for opening a connection to another server or a phone.
    @ivar outgoingConnections: those that a worker has open at once; the idlest end for new ones.
    @ivar dns: finding servers.
    @ivar tls: for TLS connections that the server opens itself.
    """

    t1: Annotated[float, Meta(ge=0.01, le=60)] = 0.5
    t2: Annotated[float, Meta(ge=0.01, le=60)] = 4.0
    t4: Annotated[float, Meta(ge=0.01, le=60)] = 5.0
    timerC: Annotated[float, Meta(ge=1, le=86_400)] = 185.0
    udpMTU: Annotated[int, Meta(ge=512, le=65_507)] = 1300
    udpReceiveBuffer: Annotated[int, Meta(ge=4096, le=1 << 30)] = 4 << 20
    connectTimeout: Annotated[float, Meta(gt=0, le=60)] = 5.0
    outgoingConnections: Annotated[int, Meta(ge=1, le=10_000_000)] = 4096
    dns: DNSSettings = DNSSettings()
    tls: ClientTLSSettings = ClientTLSSettings()


class LogSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[log]}: what is logged, and how.

    @ivar level: the least severe that is logged.
    @ivar format: C{text} for people, C{json} for programs: one object on each line.
    """

    level: Literal["debug", "info", "warn", "error", "critical"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(Struct, frozen=True, kw_only=True):
    """A whole configuration.

    @ivar file: its name, for messages.
    @ivar listen: the endpoints, in the order of the file.
    @ivar resource: for every resource that an endpoint or C{callRecords} names, its settings: an
        instance of the class that its plugin asks for.
    @ivar adjustments: in what it differs from its file; C{listen} has them already, and
        C{sipapp.config.resolve} heeds the others.
    """

    file: str
    server: ServerSettings = field(default_factory=ServerSettings)
    pools: PoolsSettings = field(default_factory=PoolsSettings)
    listen: tuple[ListenSettings, ...] = ()
    resource: dict[str, Any] = field(default_factory=dict)
    location: LocationSettings = LocationSettings()
    accounts: AccountsSettings = AccountsSettings()
    sip: SIPSettings = SIPSettings()
    trusted: TrustedSettings = TrustedSettings()
    sources: SourcesSettings = SourcesSettings()
    bans: BansSettings = BansSettings()
    overload: OverloadSettings = OverloadSettings()
    callRecords: CallRecordsSettings = CallRecordsSettings()
    administration: AdministrationSettings = AdministrationSettings()
    manhole: ManholeSettings | None = None
    log: LogSettings = LogSettings()
    adjustments: Adjustments = Adjustments()

    @property
    def usedResources(self) -> tuple[str, ...]:
        """The names of the resources that something here names, each once."""
        chains = [*(each.chain for each in self.listen), self.callRecords.providers]
        return tuple({name: None for chain in chains for name in chain})

    @property
    def blocksOfFile(self) -> int:
        """How many of the listen blocks are from the file; those after them are adjustments."""
        return len(self.listen) - len(self.adjustments.added)

    @property
    def secretPath(self) -> str:
        """The file that holds the server's secret."""
        return self.server.secretFile or os.path.join(self.server.stateDirectory, "secret")

    @property
    def nonceCountsPath(self) -> str:
        """The directory of the nonce counts."""
        return os.path.join(self.server.runDirectory, "noncecounts")

    @property
    def locationPath(self) -> str:
        """The directory of the location store."""
        return self.location.path or os.path.join(self.server.stateDirectory, "location")

    @property
    def bansPath(self) -> str:
        """The directory of the ban list."""
        return os.path.join(self.server.stateDirectory, "bans")

    @property
    def accountsPath(self) -> str:
        """The database of accounts."""
        return self.accounts.path or os.path.join(self.server.stateDirectory, "accounts.db")

    @property
    def auditPath(self) -> str:
        """The audit log."""
        return self.administration.auditLog or os.path.join(self.server.stateDirectory, "audit.log")

    @property
    def controlPath(self) -> str:
        """The socket that the server is operated through."""
        return os.path.join(self.server.runDirectory, "control.sock")

    @property
    def manholeKeyPath(self) -> str:
        """The host key of the manhole."""
        return os.path.join(self.server.stateDirectory, "manhole_key")

    @property
    def documentsPath(self) -> str:
        """The database of documents."""
        return os.path.join(self.server.stateDirectory, "documents.db")
