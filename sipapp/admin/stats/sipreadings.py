"""Reads off the transport of a SIP worker what it has counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.transaction import TransactionLayer
from sipapp.transport.assembly import Transport
from sipapp.transport.bus import Bus
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.locate import Locator
from sipapp.transport.overload import Overload
from sipapp.transport.receiving import Receiver
from sipapp.transport.streams import Streams

__all__ = ["OUTGOING", "readLocator", "readTransport"]

OUTGOING = "outgoing"
"""What connections are labelled with that belong to no endpoint: those that were opened here."""


def readTransport(
    stats: WorkerStats, transport: Transport, dispatch: Any, endpoints: Mapping[int, str]
) -> None:
    """
    @param dispatch: the L{sipapp.resources.sip.Dispatch}.
    @param endpoints: the names of the endpoints by their indices.
    """
    driver = transport.driver
    _readMessages(stats, driver.receiver, endpoints)
    _readTransactions(stats, driver.layer)
    answers = Counter(driver.layer.answers.counts)
    answers.update(driver.receiver.counters.refusals)
    answers.update(dispatch.answers)
    stats.addAll("responses_sent", answers)
    _readBus(stats, driver.bus)
    _readOverload(stats, driver.receiver.overload)
    _readStreams(stats, driver.streams, endpoints)
    for index, port in driver.flows.ports.items():
        _readPort(stats, port, endpoints.get(index, OUTGOING))


def readLocator(stats: WorkerStats, locator: Locator) -> None:
    """What was asked of the DNS."""
    cache = locator.cache
    stats.add("dns_questions", cache.asked)
    stats.add("dns_known", cache.hits)
    stats.add("dns_failures", cache.failures)
    stats.add("dns_entries", len(cache))


def _readMessages(stats: WorkerStats, receiver: Receiver, endpoints: Mapping[int, str]) -> None:
    counters = receiver.counters
    for (index, method), count in counters.methods.items():
        stats.add("requests_received", count, endpoints.get(index, OUTGOING), method)
    for (index, status), count in counters.statuses.items():
        stats.add("responses_received", count, endpoints.get(index, OUTGOING), str(status))
    stats.add("messages_malformed", counters.malformed)
    stats.add("responses_stray", counters.strays)
    stats.add("messages_handed_over", counters.handedOver)
    stats.add("messages_taken_over", counters.deliveredHere)
    stats.add("steering_misses", counters.missteered)
    stats.addAll("limits_hit", receiver.limitLog.counts)


def _readTransactions(stats: WorkerStats, layer: TransactionLayer) -> None:
    stats.add("transactions", layer.serverCount, "server")
    stats.add("transactions", layer.clientCount, "client")
    stats.add("transactions_pending", layer.pending)
    stats.add("transactions_created", layer.serversCreated, "server")
    stats.add("transactions_created", layer.clientsCreated, "client")
    stats.add("transaction_timeouts", layer.timeouts)
    stats.add("transaction_failures", layer.failures)
    stats.add("retransmissions_sent", layer.retransmitted)
    stats.add("retransmissions_received", layer.absorbed)
    stats.addAll("requests_sent", layer.requestsSent)
    for method, times in layer.answers.times.items():
        stats.addSpread("answer_seconds", times, method)


def _readBus(stats: WorkerStats, bus: Bus) -> None:
    stats.add("bus_frames", bus.hops, "sent")
    stats.add("bus_frames", bus.arrived, "received")
    stats.add("bus_frames_waiting", bus.waiting)
    stats.add("bus_frames_lost", bus.dropped + bus.malformed)


def _readOverload(stats: WorkerStats, overload: Overload) -> None:
    stats.add("overloaded", int(overload.isActive))
    stats.add("overload_refusals", overload.refusedBefore + overload.refused)


def _readStreams(stats: WorkerStats, streams: Streams, endpoints: Mapping[int, str]) -> None:
    for index, group in streams.inbound.items():
        name = endpoints.get(index, OUTGOING)
        stats.add("connections", len(group), name)
        stats.add("connections_accepted", group.admitted, name)
    for index, count in streams.handshakes.items():
        stats.add("tls_handshakes", count, endpoints.get(index, OUTGOING))
    stats.add("connections", streams.outgoingCount, OUTGOING)
    stats.add("connections_opened", streams.opened)
    stats.add("connections_failed", streams.failed)


def _readPort(stats: WorkerStats, port: DatagramPort, name: str) -> None:
    ports = (port, *port.spares)
    unsent = {
        "congested": sum(each.congested for each in ports),
        "failed": sum(each.failed for each in ports),
    }
    if port.codes:
        stats.add("keep_alives", sum(each.keepAlives for each in ports), name)
    for reason, count in unsent.items():
        # Of other workers' endpoints, from which next to nothing is sent here, only what matters.
        if count or port.codes:
            stats.add("datagrams_unsent", count, name, reason)
