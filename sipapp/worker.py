"""The worker process: C{python -m sipapp.worker}, started by a pool and by nobody else.

It takes what it inherits, makes its resources, says Ready, and serves until it is told to drain.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from sipapp.admin.manhole.inworker import Consoles
from sipapp.admin.stats.measuring import Measuring
from sipapp.administration import Administration
from sipapp.answers import Answers
from sipapp.assignment import Assignment, decodeAssignment
from sipapp.certificates import Certificates
from sipapp.chains import Chains
from sipapp.config import ResolvedListener, Settings, decodeSettings
from sipapp.inheritance import Inheritance, endpointOf
from sipapp.interfaces import IAccounts, IDocumentStore, INonceCounts, IWorker
from sipapp.orders import TakenOrders
from sipapp.plugins import resourceTypes
from sipapp.pool import Boot, WorkerControl, enterWorker, settleHeap, stacks, startLogging, whyNot
from sipapp.resources.calls import CallRecords
from sipapp.resources.sip import Dispatch
from sipapp.stores import Stores
from sipapp.strangers import Strangers
from sipapp.tracing import Tracer
from sipapp.transaction import Identifiers, TimerSettings
from sipapp.transport import leanreactor
from sipapp.transport.assembly import Transport, assemble
from sipapp.transport.endpoints import Endpoints
from sipapp.transport.flows import Flow
from sipapp.transport.limits import StreamLimits
from sipapp.transport.locality import Locality
from sipapp.transport.locate import makeLocator
from sipapp.transport.networks import Networks
from sipapp.transport.trust import TrustedPeers
from sipapp.transport.turns import Turns
from sipapp.transport.wiretap import Wiretap

if TYPE_CHECKING:
    from sipapp.websites import WebSites

__all__ = ["Worker", "main"]

_log = Logger()


@implementer(IWorker)
class Worker:
    """One worker: what its resources live in, and the order in which it starts and stops."""

    def __init__(
        self, reactor: Any, boot: Boot, assignment: Assignment, settings: Settings
    ) -> None:
        self.reactor = reactor
        self.name = boot.name
        self.domains = frozenset(settings.server.domains)
        self.domain = next(iter(settings.server.domains), None)
        self.server = settings.server.name
        self.identifiers = Identifiers(assignment.secret, assignment.code)
        sip = settings.sip
        self.timers = TimerSettings(t1=sip.t1, t2=sip.t2, t4=sip.t4, timerC=sip.timerC)
        self.sender: Any = None
        self.location: Any = None
        self.bans: Any = None
        self.callRecords: CallRecords | None = None
        self.stateDirectory = settings.server.stateDirectory
        self.administration: Any = None
        # Tells the parent something that it listens for.
        self.tell: Any = None
        self.answers = Answers()
        Consoles({"worker": self, "reactor": reactor}).addTo(self.answers)
        self.answers.add("pause", self.pause)
        self.answers.add("stack", stacks)
        self._measuring = Measuring(reactor, lambda: reactor.waited, assignment.listeners)
        self.answers.add("stats", self._measuring.stats)
        self._slot = boot.slot
        self._assignment = assignment
        self._inheritance = Inheritance(boot, assignment)
        self._certificates = Certificates(reactor)
        self._settings = settings
        self._trusted = TrustedPeers(settings.trusted.addresses, settings.trusted.domains)
        endpoints = [endpointOf(one) for one in assignment.listeners if not one.listen.isWeb]
        self.isLocal = Locality(self.domains, Endpoints(endpoints, reactor.seconds)).isLocal
        self._strangers: Strangers | None = None
        self._transport: Transport | None = None
        self._locatorClient: Any = None
        self._chains = Chains(settings, self, self._measuring.addResource)
        self._webSites: WebSites | None = None
        self._turns = Turns(reactor)
        self._stores = Stores(settings, reactor, self.endOfTurn)

    @property
    def accounts(self) -> IAccounts:
        return self._stores.accounts

    @property
    def documents(self) -> IDocumentStore:
        return self._stores.documents

    @property
    def nonceCounts(self) -> INonceCounts:
        return self._stores.nonceCounts

    def listener(self, name: str) -> int | None:
        found = (one.index for one in self._assignment.listeners if one.name == name)
        return next(found, None)

    def isTrusted(self, flow: Flow) -> bool:
        return flow in self._trusted

    async def start(self) -> None:
        """Make everything and begin to serve, or wait for L{serve} if others still do.

        @raise Exception: whatever is wrong; the worker is of no use then.
        """
        self._strangers = Strangers(self._settings, self._trusted, self.endOfTurn, self.reactor)
        self.bans = self._strangers.bans
        self._measuring.start()
        served = [one for one in self._assignment.listeners if self._assignment.isServed(one)]
        if any(one.listen.isWeb for one in served):
            await self._serveWeb(served, self._strangers)
        else:
            await self._serveSIP(served, self._strangers)
        settleHeap(self.reactor)

    async def serve(self) -> None:
        """The workers before this one have handed over: begin to serve."""
        if not self._assignment.predecessors:
            return
        if self._transport is not None:
            self._transport.driver.serve()
        if self._webSites is not None:
            self._webSites.accept()

    async def handOver(self, successors: Sequence[str]) -> list[str]:
        """Let other workers take this one's place, and tell them what they must know. What was
        begun is finished here.

        @param successors: their codes, in slot order.
        @return: the codes that the tokens of moved connections name.
        """
        if self._webSites is not None:
            await self._webSites.stopListening()
        if self._transport is None:
            return []
        await self._transport.driver.handOver(successors, self._slot)
        return sorted(self._transport.driver.streams.birthplaces)

    async def quiesce(self, timeout: float) -> None:
        """Take nothing new and finish what was begun, but go on serving other workers: their
        messages over the bus and over the connections that are here.

        @param timeout: seconds to finish in.
        """
        if self._webSites is not None:
            await self._webSites.drain(timeout)
        if self._transport is not None and not await self._transport.driver.drain(timeout):
            _log.warn("Transactions are unfinished after {timeout} s", timeout=timeout)

    async def drain(self, timeout: float) -> None:
        """Take nothing new, finish what was begun, and let go of everything.

        @param timeout: seconds to finish in.
        """
        await self.quiesce(timeout)
        self._certificates.stop()
        await self._chains.stop()
        if self._transport is not None:
            layer = self._transport.driver.layer
            _log.info(
                "Ends with {servers} server and {clients} client transactions",
                servers=layer.serverCount,
                clients=layer.clientCount,
            )
            await maybeDeferred(self._transport.driver.stop)
            await maybeDeferred(self._locatorClient.stop)
            await self.location.close()
        self._turns.stop()
        await self._stores.close()
        if self._strangers is not None:
            self._strangers.stop()
        await self._measuring.end(self.tell)

    def endOfTurn(self, call: Callable[[], object]) -> None:
        self._turns.atEnd(call)

    def about(self) -> dict[str, str]:
        """What message is being handled, for the log."""
        return self._turns.about()

    def tap(self, tap: Wiretap | None) -> None:
        """Show every SIP message from now on; C{None} shows them to nobody."""
        if self._transport is not None:
            self._transport.driver.tap(tap)

    def parked(self, slots: Iterable[int]) -> None:
        """The workers of these slots of the pool are gone for good: see L{sipapp.pool.commands}."""
        if self._transport is not None:
            self._transport.driver.park(slots)

    def pause(self, listeners: Collection[int]) -> None:
        """Begin nothing new at some listeners, and finish what was begun there.

        @param listeners: their indices; at all others everything is welcome.
        """
        if self._transport is not None:
            self._transport.driver.pause(listeners)
        if self._webSites is not None:
            names = {one.name for one in self._assignment.listeners if one.index in listeners}
            self._webSites.pause(names)

    # SIP.

    async def _serveSIP(self, served: list[ResolvedListener], strangers: Strangers) -> None:
        settings = self._settings
        inheritance = self._inheritance
        dns = settings.sip.dns
        locator, self._locatorClient = makeLocator(
            self.reactor, dns.nameservers, dns.timeout, dns.negativeTTL, dns.maxEntries
        )
        self.location = self._stores.openLocation()
        listeners = [one for one in self._assignment.listeners if not one.listen.isWeb]
        chains: dict[int, list[Any]] = {}
        dispatch = Dispatch(chains, self.identifiers, self.server, self.isTrusted)
        self._transport = assemble(
            self.reactor,
            identifiers=self.identifiers,
            endpoints=map(endpointOf, listeners),
            served=[inheritance.served(one, self._certificates.forListener(one)) for one in served],
            sendOnly=inheritance.sendOnly(),
            inbox=inheritance.inbox(),
            busDirectory=self._assignment.busDirectory,
            user=dispatch,
            locator=locator,
            timers=self.timers,
            clientTLS=self._certificates.forServers(settings.sip.tls),
            limits=StreamLimits(
                connections=settings.sip.outgoingConnections,
                connectTimeout=settings.sip.connectTimeout,
            ),
            mostAccepted=inheritance.mostConnections(settings.pools.tcpMaxConnections),
            udpMTU=settings.sip.udpMTU,
            trusted=Networks(settings.trusted.addresses),
            notes=inheritance.blackBox(),
            admission=strangers.admission,
            overloadRules=strangers.overloadRules,
            turns=self._turns,
        )
        self.sender = self._transport.sender
        self._transport.addTo(self.answers)
        self._measuring.readSIP(self._transport, dispatch, locator)
        self.pause(self._assignment.paused)
        self.callRecords = await self._chains.keepCallRecords()
        if self.callRecords is not None:
            self._measuring.readCalls(self.callRecords)
        for listener in listeners:
            chains[listener.index] = await self._chains.start(listener)
        self._transport.driver.receiver.answered = dispatch.answered
        self._transport.driver.receiver.strayResponse = dispatch.strayResponse
        if self._assignment.predecessors:
            self._transport.driver.takeOver(self._assignment.predecessors)
        else:
            siblings = [code for codes in self._assignment.pools.values() for code in codes]
            await self._transport.driver.start(siblings)

    # HTTP.

    async def _serveWeb(self, served: list[ResolvedListener], strangers: Strangers) -> None:
        # A worker of SIP starts without all that HTTP is made of.
        from sipapp.websites import WebSites

        sites = WebSites(self.reactor, self._inheritance, strangers.admission, self.server)
        for listener in served:
            resources = await self._chains.start(listener)
            sites.add(listener, resources, self._certificates.forListener(listener))
        self._webSites = sites
        self._measuring.readWeb(sites.sites, sites.limitLog)
        sites.addTo(self.answers, self._assignment.code)
        self.pause(self._assignment.paused)
        if not self._assignment.predecessors:
            sites.accept()


def main() -> int:
    """Run until told to drain.

    @return: the exit status.
    """
    boot = enterWorker()
    assignment = decodeAssignment(boot.payload)
    settings = decodeSettings(assignment.settings, resourceTypes())
    log = startLogging(settings.log.level)
    reactor = leanreactor.install()
    worker = Worker(reactor, boot, assignment, settings)
    log.context = worker.about

    def serve() -> Deferred[None]:
        # What was changed since it asked was told to those who served then.
        orders.take()
        return Deferred.fromCoroutine(worker.serve())

    control = WorkerControl(
        reactor,
        boot,
        worker.drain,
        onQuiesce=worker.quiesce,
        onHandOver=worker.handOver,
        onServe=serve,
        onParked=worker.parked,
        onAsked=worker.answers.answer,
    )
    worker.administration = Administration(control, worker.answers)
    tracer = Tracer(boot.name, worker.tap, control.tell, worker.endOfTurn)
    orders = TakenOrders(control, log, tracer)
    orders.addTo(worker.answers)
    worker.tell = control.tell
    control.adopt()

    def run() -> None:
        starting = Deferred.fromCoroutine(worker.start())
        starting.addCallback(lambda _: orders.take())
        starting.addCallback(lambda _: control.ready())
        starting.addErrback(lambda failure: control.failed(whyNot(failure)))

    reactor.callWhenRunning(run)
    reactor.run()
    return control.exitStatus


if __name__ == "__main__":
    sys.exit(main())
