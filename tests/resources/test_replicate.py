"""Two servers that copy registrations to each other, joined by a sender that the test controls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from twisted.logger import globalLogPublisher
from zope.interface.verify import verifyObject

from sipapp.interfaces import IResourceMaker, ISIPResource
from sipapp.resources.sip.replicate import Replicate, ReplicateSettings, replicateMaker
from sipapp.sip import Hop, Request, Response, parseMessage
from tests.resources.registering import PhoneFlow, Worker, listed

PUBLIC, REPLICATION = 0, 1
ONE = "Contact: <sip:alice@198.51.100.7>"


class Sent:
    """A copy on its way."""

    def __init__(self, request: Request, hop: Hop, user: Any) -> None:
        user.flowSelected(request, None)
        request.prepend("Via", f"SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK{request.cseq.number}")
        self.bytes = request.toBytes()
        self.request = request
        self.hop = hop
        self.user = user

    def answer(self, status: int, reason: str | None = None) -> None:
        self.user.responseReceived(self.request.respond(status, reason))


class Sender:
    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def request(self, request: Request, hop: Hop, user: Any) -> None:
        self.sent.append(Sent(request, hop, user))


class ReplicatingWorker(Worker):
    def __init__(self, peers: tuple[str, ...] = ("sip:10.0.0.2:5070",)) -> None:
        settings = ReplicateSettings(socket="udp:10.0.0.1:5070", peers=peers)

        def chains(worker: Any) -> Any:
            worker.sender = Sender()
            worker.public = Replicate(settings, worker)
            worker.guard = Replicate(settings, worker)
            worker.chains = {
                PUBLIC: [worker.public, worker.registrar],
                REPLICATION: [worker.guard, worker.registrar],
            }
            return worker.chains

        super().__init__(chains=chains)

    def listener(self, name: str) -> int | None:
        return {"udp:192.0.2.1:5060": PUBLIC, "udp:10.0.0.1:5070": REPLICATION}.get(name)

    @property
    def sent(self) -> list[Sent]:
        return self.sender.sent

    def take(self) -> list[Sent]:
        sent, self.sender.sent = self.sender.sent, []
        return sent


class PeerFlow(PhoneFlow):
    def __init__(
        self,
        host: str = "10.0.0.2",
        port: int = 5070,
        transport: str = "UDP",
        listener: int = REPLICATION,
    ) -> None:
        super().__init__(host, transport, listener)
        self.remote = (host, port)


@pytest.fixture
def events() -> Iterator[list[str]]:
    found: list[str] = []

    def observe(event: Any) -> None:
        if event["log_namespace"].startswith("sipapp.resources.sip.replic"):
            found.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)


def test_interfaces() -> None:
    worker = ReplicatingWorker()
    assert verifyObject(ISIPResource, worker.public)
    assert verifyObject(IResourceMaker, replicateMaker)
    assert worker.public.methods == frozenset()
    assert worker.public.ack(None) is False
    assert worker.public.strayResponse(None) is False
    worker.public.start()


class TestSettings:
    @pytest.mark.parametrize(
        "peer, reason",
        [
            ("sip:peer.example.com", "the host must be an address"),
            ("tel:+15551234", "is not a SIP URI"),
            ("10.0.0.2:5070", "is not"),
            ("sip:", "is not"),
        ],
    )
    def test_peers_are_addresses(self, peer: str, reason: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=reason):
            msgspec.convert({"socket": "udp:x", "peers": [peer]}, ReplicateSettings)

    def test_both_keys_are_needed(self) -> None:
        for table in ({"socket": "udp:x"}, {"peers": []}):
            with pytest.raises(msgspec.ValidationError, match="missing"):
                msgspec.convert(table, ReplicateSettings)

    def test_the_socket_has_to_exist(self) -> None:
        settings = ReplicateSettings(socket="udp:10.9.9.9:5070", peers=())
        with pytest.raises(ValueError, match=r"there is no listener udp:10\.9\.9\.9:5070"):
            replicateMaker.make(settings, ReplicatingWorker())


class TestCopies:
    def test_an_accepted_register_is_copied(self) -> None:
        worker = ReplicatingWorker(("sip:10.0.0.2:5070", "sip:[2001:db8::2]:5070"))
        path = "Path: <sip:edge.example.org;lr>"
        headers = [ONE, path, "Supported: path", "Route: <sip:192.0.2.1;lr>"]
        assert worker.register(*headers, uri="sip:192.0.2.1:5060", cseq=7).status == 200
        assert [str(sent.hop.uri) for sent in worker.sent] == [
            "sip:10.0.0.2:5070",
            "sip:[2001:db8::2]:5070",
        ]
        assert {sent.hop.listener for sent in worker.sent} == {REPLICATION}
        copy = parseMessage(worker.sent[0].bytes)
        assert isinstance(copy, Request)
        assert copy.requestURI == "sip:example.com"
        assert copy.callID == "call-1@phone"
        assert copy.cseq.number == 7
        assert copy.get("contact") == "<sip:alice@198.51.100.7>"
        assert copy.get("path") == "<sip:edge.example.org;lr>"
        assert [via.host for via in copy.vias] == ["10.0.0.1", "198.51.100.7"]
        assert copy.maxForwards == 69
        assert not copy.has("route")

    def test_what_is_not_accepted_is_not_copied(self) -> None:
        worker = ReplicatingWorker()
        assert worker.register(ONE, "Expires: 1").status == 423
        assert worker.register("Contact: *").status == 400
        assert worker.register(ONE, to="<sip:a@b.org>").status == 404
        assert worker.sent == []

    def test_what_changes_nothing_is_not_copied(self) -> None:
        worker = ReplicatingWorker()
        assert worker.register().status == 200
        assert worker.register(ONE, method="MESSAGE").status == 405
        assert worker.sent == []

    def test_a_retransmission_is_not_copied_again(self) -> None:
        worker = ReplicatingWorker()
        flow = PhoneFlow()
        worker.register(ONE, flow=flow)
        request = worker.take()[0].request
        request.popFirst("via")
        again = parseMessage(request.toBytes())
        worker.layer.receiveRequest(again, flow, worker.reactor.seconds())
        assert [response.status for response in flow.sent] == [200]
        assert worker.sent == []

    def test_the_peer_takes_it(self) -> None:
        """And binds the contact, but not the flow that the copy came over."""
        here, there = ReplicatingWorker(), ReplicatingWorker()
        here.register(ONE, "Expires: 600")
        response = there.send(here.take()[0].bytes, PeerFlow())
        assert listed(response) == {"sip:alice@198.51.100.7": 600}
        assert there.sent == []
        (binding,) = there.location.lookupNow("sip:alice@example.com")
        assert (binding.flow, binding.viaFlow, binding.callID) == ("", False, "call-1@phone")
        here.register(ONE, "Expires: 0", cseq=2)
        assert listed(there.send(here.take()[0].bytes, PeerFlow())) == {}

    def test_servers_that_name_each_others_public_sockets_make_no_loop(self) -> None:
        """A configuration that is wrong, but must not melt the network."""
        worker = ReplicatingWorker()
        worker.register(ONE, flow=PeerFlow(listener=PUBLIC))
        assert worker.sent == []


class TestGuard:
    @pytest.mark.parametrize(
        "flow",
        [
            PeerFlow("10.0.0.3"),
            PeerFlow("10.0.0.2", 5071),
            PeerFlow("10.0.0.2", 5070, "TCP"),
            PhoneFlow(listener=REPLICATION),
        ],
    )
    def test_strangers_are_refused(self, flow: PhoneFlow, events: list[str]) -> None:
        worker = ReplicatingWorker()
        for _ in range(2):
            assert worker.register(ONE, flow=flow).status == 403
        assert worker.register(flow=flow, method="OPTIONS").status == 403
        assert worker.contacts() == []
        assert worker.sent == []
        assert events == [f"Refused REGISTER from {flow.remote[0]}: no peer"]

    def test_peers_on_connections_have_any_port(self) -> None:
        worker = ReplicatingWorker(("sip:[2001:DB8::2]:5070;transport=tcp",))
        assert worker.register(ONE, flow=PeerFlow("2001:db8::2", 40_000, "TCP")).status == 200
        assert worker.register(ONE, flow=PeerFlow("2001:db8::2", 5070)).status == 403

    def test_no_more_names_in_the_log_than_are_useful(self, events: list[str]) -> None:
        worker = ReplicatingWorker()
        for number in range(150):
            worker.register(ONE, flow=PeerFlow(f"10.1.0.{number}"))
        assert len(events) == 100


class TestOutage:
    def test_tried_again_and_then_dropped_with_one_line(self, events: list[str]) -> None:
        worker = ReplicatingWorker()
        worker.register(ONE)
        worker.take()[0].user.failed(408, "no response")
        worker.reactor.advance(2)
        worker.take()[0].answer(503)
        worker.reactor.advance(9)
        assert worker.sent == []
        worker.reactor.advance(1)
        worker.take()[0].user.failed(503, "connection refused")
        worker.reactor.advance(1000)
        assert worker.sent == []
        assert events == ["Peer sip:10.0.0.2:5070 does not take registrations: no response"]
        worker.register(ONE, cseq=2)
        worker.take()[0].answer(200)
        assert events[1:] == ["Peer sip:10.0.0.2:5070 takes registrations again; 1 were not copied"]
        worker.register(ONE, cseq=3)
        worker.take()[0].answer(200)
        assert len(events) == 2

    def test_a_refusal_is_final(self, events: list[str]) -> None:
        worker = ReplicatingWorker()
        worker.register(ONE)
        copy = worker.take()[0]
        copy.answer(100)
        copy.answer(403)
        worker.reactor.advance(1000)
        assert worker.sent == []
        assert events == ["Peer sip:10.0.0.2:5070 does not take registrations: 403 Forbidden"]

    def test_a_refusal_of_what_is_no_longer_so(self, events: list[str]) -> None:
        """The later copy was faster, and so the earlier one is out of order. All is well."""
        worker = ReplicatingWorker()
        worker.register(ONE)
        worker.register(ONE, cseq=2)
        first, second = worker.take()
        second.answer(200)
        first.answer(500)
        worker.reactor.advance(100)
        assert worker.sent == []
        assert events == []

    def test_an_attempt_that_a_later_registration_has_overtaken(self) -> None:
        worker = ReplicatingWorker()
        worker.register(ONE)
        first = worker.take()[0]
        first.user.failed(408, "no response")
        worker.register(ONE, cseq=2)
        worker.reactor.advance(100)
        (second,) = worker.take()
        assert second.request.cseq.number == 2
        worker.register(ONE, cseq=3)
        second.user.failed(408, "no response")
        (third,) = worker.take()
        third.answer(200)
        worker.reactor.advance(100)
        assert worker.sent == []

    def test_bounded(self, events: list[str]) -> None:
        worker = ReplicatingWorker()
        for number in range(1005):
            worker.register(ONE, to=f"<sip:{number}@example.com>", callID=f"{number}@h")
        assert len(worker.sent) == 1000
        assert events == [
            "Peer sip:10.0.0.2:5070 does not take registrations: too many copies are on their way"
        ]
        for sent in worker.take():
            sent.answer(200)
        assert events[1:] == ["Peer sip:10.0.0.2:5070 takes registrations again; 5 were not copied"]
        worker.register(ONE, callID="another")
        assert len(worker.sent) == 1

    def test_stop_ends_the_attempts(self) -> None:
        worker = ReplicatingWorker()
        worker.register(ONE)
        worker.take()[0].user.failed(408, "no response")
        worker.public.stop()
        worker.reactor.advance(100)
        assert worker.sent == []


def test_others_may_watch_as_well() -> None:
    worker = ReplicatingWorker()
    seen: list[int] = []

    class Watch:
        methods: frozenset[str] = frozenset()

        def offer(self, transaction: Any) -> None:
            transaction.answered = lambda response: seen.append(response.status)

    worker.chains[PUBLIC].insert(0, Watch())
    worker.register(ONE)
    worker.register(ONE, "Expires: 1", cseq=2)
    assert seen == [200, 423]
    assert len(worker.sent) == 1


def test_the_phone_is_answered_first() -> None:
    """What happens to the copy is nothing that a phone waits for."""
    worker = ReplicatingWorker()
    flow = PhoneFlow()
    order: list[str] = []
    send = flow.send

    def observe(data: bytes) -> None:
        order.append(f"answered with {len(worker.sent)} copies sent")
        send(data)

    flow.send = observe
    assert isinstance(worker.register(ONE, flow=flow), Response)
    assert order == ["answered with 0 copies sent"]
