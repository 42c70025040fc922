"""Every metric that a server has: its name, what it is labelled by, and what it means.

What is in L{WORKER} the workers count, and the parent adds the labels C{pool} and C{slot}. What is
in L{SERVER} the parent knows by itself.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["METRICS", "SERVER", "WORKER", "Metric"]

Kind = Literal["counter", "gauge", "histogram"]


class Metric(Struct, frozen=True):
    """A metric.

    @ivar name: the short one, without what all have in common.
    @ivar labels: their names, without those that are added.
    @ivar help: what it is, with its unit.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def exported(self) -> str:
        """The name for Prometheus. Of a histogram come C{_bucket}, C{_sum} and C{_count}."""
        return f"sipapp_{self.name}{'_total' if self.kind == 'counter' else ''}"


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "counter", labels, help)


def _gauge(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "gauge", labels, help)


def _histogram(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "histogram", labels, help)


WORKER = (
    # Messages.
    _counter("requests_received", "SIP requests from the network.", "endpoint", "method"),
    _counter("responses_received", "SIP responses from the network.", "endpoint", "code"),
    _counter("requests_sent", "Requests sent in a transaction.", "method"),
    _counter(
        "responses_sent",
        "Provisional responses, and the first final response to each request.",
        "method",
        "code",
    ),
    _counter("requests_taken", "Requests that a resource took.", "endpoint", "resource"),
    _counter("requests_failed", "Requests that made a resource fail.", "endpoint", "resource"),
    _counter("resource_events", "What a resource counts itself.", "endpoint", "resource", "event"),
    _counter("call_records", "Parts of call records, kept or lost.", "provider", "outcome"),
    _counter("messages_malformed", "What has come and is no SIP message."),
    _counter("responses_stray", "Responses that belonged to no transaction."),
    _counter("keep_alives", "Datagrams that only kept a NAT binding open.", "endpoint"),
    _counter("datagrams_unsent", "Datagrams that the kernel refused.", "endpoint", "reason"),
    # Transactions.
    _gauge("transactions", "Transactions that are there, finished ones included.", "side"),
    _gauge("transactions_pending", "Transactions without a final response."),
    _counter("transactions_created", "Transactions so far.", "side"),
    _counter("transaction_timeouts", "Transactions that ended because somebody was silent."),
    _counter("transaction_failures", "Messages of transactions that could not be sent."),
    _counter("retransmissions_sent", "Messages sent again."),
    _counter("retransmissions_received", "Messages that a peer had sent before."),
    _histogram("answer_seconds", "From a request to its first final response.", "method"),
    # What a worker does.
    _gauge("busy_ratio", "Part of the last two seconds in which the worker worked, 0 to 1."),
    _counter("busy_seconds", "Seconds in which the worker worked."),
    _counter("cpu_seconds", "Processor time of the worker."),
    _gauge("loop_lag_recent_seconds", "How late the event loop was at worst in two seconds."),
    _histogram("loop_lag_seconds", "How late the event loop was, four times a second."),
    _gauge(
        "queue_wait_recent_seconds",
        "How long the first datagram in the queue had waited at worst in two seconds.",
        "endpoint",
    ),
    _histogram(
        "queue_wait_seconds",
        "How long the first datagram in the queue had waited, four times a second.",
        "endpoint",
    ),
    _gauge("overloaded", "Whether the worker refuses new work, 0 or 1."),
    _counter("overload_refusals", "Requests refused because there was too much to do."),
    _counter("limits_hit", "What was refused or closed because of a limit.", "limit"),
    # Between the workers.
    _counter("bus_frames", "Frames on the bus.", "direction"),
    _gauge("bus_frames_waiting", "Frames that wait for room in another worker's inbox."),
    _counter("bus_frames_lost", "Frames that found no room or no reader, or made no sense."),
    _counter("messages_handed_over", "Messages that went on to another worker."),
    _counter("messages_taken_over", "Messages that came from another worker."),
    _counter("steering_misses", "Datagrams that the kernel gave to the wrong worker."),
    # Connections.
    _gauge("connections", "Connections that are open.", "endpoint"),
    _counter("connections_accepted", "Connections that peers have made.", "endpoint"),
    _counter("connections_opened", "Connections to others that were begun."),
    _counter("connections_failed", "Connections to others that could not be made."),
    _counter("tls_handshakes", "TLS handshakes that were completed.", "endpoint"),
    # The DNS.
    _counter("dns_questions", "Questions to name servers."),
    _counter("dns_known", "Answers that were known already."),
    _counter("dns_failures", "Questions that nobody has answered."),
    _gauge("dns_entries", "Answers that are remembered."),
    # HTTP.
    _counter("web_requests", "HTTP requests answered.", "endpoint", "resource", "method", "code"),
    _histogram(
        "web_answer_seconds",
        "From a HTTP request to the end of its answer.",
        "endpoint",
        "resource",
    ),
)

SERVER = (
    _gauge("info", "1, labelled by the version.", "version"),
    _gauge("start_time_seconds", "When the server began, in seconds since 1970."),
    _gauge("ready", "Whether all pools serve and take new work, 0 or 1."),
    _gauge("generation", "The number of the generation of workers that serves."),
    _gauge("pool_slots", "Slots of a pool.", "pool"),
    _gauge("pool_ready", "Slots whose worker is ready.", "pool"),
    _gauge("worker_ready", "Whether the worker of a slot is ready, 0 or 1.", "pool", "slot"),
    _gauge("worker_answers", "Whether it has answered when it was asked.", "pool", "slot"),
    _counter("worker_restarts", "Processes replaced in a slot.", "pool", "slot"),
    _gauge("worker_memory_bytes", "Memory that the worker shares with none.", "pool", "slot"),
    _counter("parent_cpu_seconds", "Processor time of the parent process."),
    _gauge("parent_memory_bytes", "Memory that the parent process shares with none."),
    _gauge("registrations", "Addresses-of-record that are bound to a contact."),
    _gauge("bans", "Sources that are not listened to."),
    # What the kernel holds, and what it has lost.
    _counter(
        "socket_drops",
        "Datagrams, or connections, that found the queue of a socket full.",
        "endpoint",
        "slot",
    ),
    _gauge("receive_queue_bytes", "What waits to be read, of UDP.", "endpoint", "slot"),
    _gauge("receive_queue_limit_bytes", "For how much there is room.", "endpoint", "slot"),
    _gauge("accept_queue", "Connections that wait to be accepted.", "endpoint", "slot"),
    _gauge("accept_queue_limit", "For how many there is room.", "endpoint", "slot"),
    # The doctor.
    _gauge("doctor_checks", "Checks of the last round of the doctor."),
    _gauge("doctor_findings", "What it has found.", "severity", "check"),
)

METRICS = {
    each.name: each
    for each in (
        *(Metric(one.name, one.kind, ("pool", "slot", *one.labels), one.help) for one in WORKER),
        *SERVER,
    )
}
"""All of them by their short names, with all labels."""
