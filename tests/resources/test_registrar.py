from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from zope.interface.verify import verifyObject

from sipapp.interfaces import IResourceMaker, ISIPResource
from sipapp.location import LMDBLocation, LocationStoreFull, MemoryLocation
from sipapp.resources.sip.registrar import RegistrarSettings, registrarMaker
from tests.resources.registering import PhoneFlow, Worker, listed
from tests.support.work import callsOf

ONE = "Contact: <sip:alice@198.51.100.7>"
TWO = "Contact: <sip:alice@198.51.100.7:5070>"


def test_interfaces() -> None:
    assert verifyObject(ISIPResource, Worker().registrar)
    assert verifyObject(IResourceMaker, registrarMaker)
    made = registrarMaker.make(RegistrarSettings(), Worker())
    assert made.methods == {"REGISTER"}
    assert made.start() is None
    assert made.stop() is None
    assert made.ack(None) is False


class TestSettings:
    def test_keys(self) -> None:
        settings = msgspec.convert({"min_expires": 10, "flow": "never"}, RegistrarSettings)
        assert settings.minExpires == 10

    @pytest.mark.parametrize(
        "table",
        [
            {"min_expires": 0},
            {"min_expires": 4000},
            {"max_expires": 1000},
            {"flow": "sometimes"},
            {"max_contacts": 0},
        ],
    )
    def test_what_cannot_be(self, table: dict[str, Any]) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(table, RegistrarSettings)


class TestWhose:
    """§10.3 steps 1, 2 and 5"""

    @pytest.mark.parametrize(
        "uri", ["sip:example.org", "sip:192.0.2.9", "tel:+15551234", "urn:service:sos"]
    )
    def test_another_domain_is_left_to_the_next_resource(self, uri: str) -> None:
        taken = Worker().register(ONE, uri=uri)
        assert taken.status in (404, 416)
        assert taken.reason == ("Not Found" if taken.status == 404 else "Unsupported URI Scheme")

    def test_a_route_that_leads_on_is_left_to_the_next_resource(self) -> None:
        worker = Worker()
        assert worker.register(ONE, "Route: <sip:192.0.2.1;lr>, <sip:next.org;lr>").status == 404
        assert worker.contacts() == []
        assert worker.register(ONE, "Route: <sip:192.0.2.1;lr>").status == 200

    def test_other_methods_are_left(self) -> None:
        assert Worker().register(ONE, method="MESSAGE").status == 405

    @pytest.mark.parametrize("uri", ["sip:example.com", "sip:EXAMPLE.net", "sip:192.0.2.1:5060"])
    def test_by_any_name_of_ours(self, uri: str) -> None:
        assert listed(Worker().register(ONE, uri=uri)) == {"sip:alice@198.51.100.7": 3600}

    @pytest.mark.parametrize(
        "to", ["<sip:a@example.org>", "<tel:+15551234>", "<sip:%FF@example.com>"]
    )
    def test_an_address_of_record_that_is_not_ours(self, to: str) -> None:
        assert Worker().register(ONE, to=to).status == 404

    @pytest.mark.parametrize(
        "to",
        [
            "<sip:alice@example.com>",
            "<sip:alice@EXAMPLE.com;user=phone>",
            '"Alice" <sip:%61lice:secret@example.com?x=y>',
            "<sips:alice@example.com>",
        ],
    )
    def test_canonical_form(self, to: str) -> None:
        worker = Worker()
        assert worker.register(ONE, to=to).status == 200
        assert len(worker.contacts()) == 1

    def test_the_user_part_has_case(self) -> None:
        worker = Worker()
        worker.register(ONE, to="<sip:Alice@example.com>")
        assert worker.contacts() == []

    def test_the_domain_itself(self) -> None:
        worker = Worker()
        assert worker.register(ONE, to="<sip:example.com>").status == 200
        assert len(worker.contacts("sip:example.com")) == 1

    def test_an_extension_that_is_not_known(self) -> None:
        response = Worker().register(ONE, "Require: path, gruu, outbound", "Supported: path")
        assert response.status == 420
        assert response.getAll("unsupported") == ["gruu", "outbound"]

    def test_the_extension_comes_before_the_address(self) -> None:
        assert Worker().register(ONE, "Require: gruu", to="<sip:a@b.org>").status == 420

    @pytest.mark.parametrize("header", ["Require: ,\x01", "Path: nonsense", "Contact: <sip:>"])
    def test_malformed(self, header: str) -> None:
        assert Worker(path="any").register(header).status == 400
        assert Worker().register("Supported: a b", "Path: <sip:p.example.org>").status == 400


class TestExpiry:
    """§10.3 step 7, §10.2.1.1"""

    @pytest.mark.parametrize(
        "headers, seconds",
        [
            ([ONE], 3600),
            ([ONE, "Expires: 1800"], 1800),
            ([ONE + ";expires=600", "Expires: 1800"], 600),
            ([ONE + ";expires=malformed", "Expires: 1800"], 3600),
            ([ONE, "Expires: 4294967295"], 7200),
            ([ONE + ";expires=99999999999999999999"], 7200),
            ([ONE, "Expires: 60"], 60),
        ],
    )
    def test_granted(self, headers: list[str], seconds: int) -> None:
        assert listed(Worker().register(*headers)) == {"sip:alice@198.51.100.7": seconds}

    @pytest.mark.parametrize("headers", [[ONE, "Expires: 59"], [ONE + ";expires=1"]])
    def test_too_brief(self, headers: list[str]) -> None:
        worker = Worker()
        response = worker.register(*headers)
        assert response.status == 423
        assert response.minExpires == 60
        assert worker.contacts() == []

    def test_an_hour_is_never_too_brief(self) -> None:
        """It must be smaller than one hour to be refused."""
        worker = Worker(minExpires=7200, defaultExpires=7200)
        assert worker.register(ONE, "Expires: 3599").status == 423
        assert listed(worker.register(ONE, "Expires: 3600")) == {"sip:alice@198.51.100.7": 3600}

    def test_what_is_left(self) -> None:
        worker = Worker()
        worker.register(ONE)
        worker.reactor.advance(100)
        assert listed(worker.register()) == {"sip:alice@198.51.100.7": 3500}
        worker.reactor.advance(3499.9)
        assert listed(worker.register()) == {"sip:alice@198.51.100.7": 1}
        worker.reactor.advance(0.1)
        assert listed(worker.register()) == {}

    def test_malformed_expires(self) -> None:
        assert Worker().register(ONE, "Expires: soon").status == 400


class TestContacts:
    def test_none_asks_for_all(self) -> None:
        """§10.2.3"""
        worker = Worker()
        assert listed(worker.register()) == {}
        worker.register(ONE + ";q=0.25", TWO)
        response = worker.register()
        assert response.getAll("contact") == [
            "<sip:alice@198.51.100.7:5070>;expires=3600",
            "<sip:alice@198.51.100.7>;q=0.25;expires=3600",
        ]
        assert response.get("date") == "Fri, 15 Jan 2027 08:00:00 GMT"
        assert response.to.tag

    def test_several_at_once(self) -> None:
        worker = Worker()
        response = worker.register(
            "Contact: <sip:a@198.51.100.7>;expires=100, sip:b@198.51.100.7;q=0.5",
            "m: <tel:+15551234>;q=0.1, <mailto:alice@example.com>;q=0",
        )
        assert listed(response) == {
            "sip:a@198.51.100.7": 100,
            "sip:b@198.51.100.7": 3600,
            "tel:+15551234": 3600,
            "mailto:alice@example.com": 3600,
        }
        assert len(worker.contacts()) == 4

    def test_a_refresh_replaces_the_binding(self) -> None:
        worker = Worker()
        worker.register(ONE, "Expires: 100")
        worker.reactor.advance(50)
        assert listed(worker.register(ONE + ";q=0.5", cseq=2)) == {"sip:alice@198.51.100.7": 3600}
        (binding,) = worker.location.lookupNow("sip:alice@example.com")
        assert (binding.q, binding.cseq) == (0.5, 2)

    def test_equal_by_comparison_of_uris(self) -> None:
        """§19.1.4; the later spelling is kept."""
        worker = Worker()
        worker.register("Contact: <sip:alice@Phone.Example.org;transport=tcp>")
        worker.register("Contact: <sip:%61lice@phone.example.org;transport=TCP;x=1>", cseq=2)
        assert worker.contacts() == ["sip:%61lice@phone.example.org;transport=TCP;x=1"]
        worker.register("Contact: <sip:ALICE@phone.example.org;transport=tcp>", cseq=3)
        assert len(worker.contacts()) == 2

    def test_the_same_spelling_is_found_first(self) -> None:
        """Comparison is not transitive: both are equal to the one without the parameter."""
        worker = Worker()
        for number, contact in enumerate(("sip:a@198.51.100.7;x=1", "sip:a@198.51.100.7;x=2")):
            worker.register(f"Contact: <{contact}>", cseq=number + 1)
        worker.register("Contact: <sip:a@198.51.100.7;x=2>;expires=0", cseq=3)
        assert worker.contacts() == ["sip:a@198.51.100.7;x=1"]

    def test_removal(self) -> None:
        """§10.2.2"""
        worker = Worker()
        worker.register(ONE, TWO)
        assert list(listed(worker.register(ONE + ";expires=0", cseq=2))) == [
            "sip:alice@198.51.100.7:5070"
        ]
        assert listed(worker.register(TWO, "Expires: 0", cseq=3)) == {}
        assert listed(worker.register(TWO, "Expires: 0", cseq=4)) == {}

    def test_twice_in_one_request_the_last_one_counts(self) -> None:
        worker = Worker()
        assert listed(worker.register(ONE + ";expires=100", ONE + ";expires=200")) == {
            "sip:alice@198.51.100.7": 200
        }
        assert listed(worker.register(ONE + ";expires=100", ONE + ";expires=0", cseq=2)) == {}

    def test_too_many(self) -> None:
        worker = Worker(maxContacts=2)
        worker.register(ONE, TWO)
        response = worker.register("Contact: <sip:alice@198.51.100.7:5080>", cseq=2)
        assert (response.status, response.reason) == (403, "Too Many Contacts")
        assert len(worker.contacts()) == 2
        assert worker.register(ONE, cseq=3).status == 200
        third = "Contact: <sip:alice@198.51.100.7:5080>"
        assert worker.register(third, TWO + ";expires=0", cseq=4).status == 200
        assert len(worker.contacts()) == 2

    @pytest.mark.parametrize("more", ["", ";expires=0"])
    def test_far_too_many(self, more: str) -> None:
        """They are refused before each is compared with all others and with those there are."""
        worker = Worker(maxContacts=2)
        worker.register(ONE, TWO)

        def register(count: int) -> None:
            names = ", ".join(f"<sip:a{number}@h.org>{more}" for number in range(count))
            response = worker.register(f"Contact: {names}", cseq=2)
            assert (response.status, response.reason) == (403, "Too Many Contacts")

        work = [callsOf(partial(register, count)) for count in (300, 600)]
        assert work[1] < 2.2 * work[0]
        assert len(worker.contacts()) == 2

    def test_all_or_nothing(self) -> None:
        worker = Worker()
        worker.register(ONE)
        assert worker.register(ONE + ";expires=0", TWO + ";expires=5", cseq=2).status == 423
        assert worker.register(TWO, ONE + ";q=7", cseq=2).status == 400
        assert worker.contacts() == ["sip:alice@198.51.100.7"]

    def test_the_server_itself_is_no_contact(self) -> None:
        worker = Worker()
        for contact in (
            "sip:bob@example.net",
            "sip:alice@192.0.2.1",
            "sips:bob@EXAMPLE.net",
            "sip:bob@elsewhere.example;maddr=192.0.2.1",
            "sip:bob@elsewhere.example;MADDR=example.com",
            "sip:bob@elsewhere.example;m%61ddr=192.0.2.1",
        ):
            response = worker.register(f"Contact: <{contact}>")
            assert (response.status, response.reason) == (403, "Contact Names This Server")
            assert worker.register(f"Contact: <{contact}>;expires=0").status == 200

    def test_a_contact_with_a_route_of_its_own(self) -> None:
        """RFC 4475 §3.3.14."""
        worker = Worker()
        contact = "<sip:alice@example.com?Route=%3Csip:sip.example.com%3E>"
        assert worker.register(f"Contact: {contact}").status == 200
        assert worker.contacts() == [contact.strip("<>")]

    def test_too_long_to_be_kept(self) -> None:
        assert Worker().register(f"Contact: <sip:{'a' * 5000}@h.org>").status == 513

    def test_text_that_is_not_utf8(self) -> None:
        worker = Worker()
        assert worker.register("Contact: <x:\udcff>").status == 400
        path = 'Path: "\udcff" <sip:p.example.org;lr>'
        assert worker.register(ONE, path, "Supported: path").status == 400
        agent = "User-Agent: T\u00e9l\u00e9phone \udcff"
        assert worker.register(ONE, agent, callID="\udcff\u00e9").status == 200
        (binding,) = worker.location.lookupNow("sip:alice@example.com")
        assert binding.userAgent == "Téléphone \\xff"
        assert binding.callID == "\\xffé"

    def test_instance_and_reg_id(self) -> None:
        """RFC 5626 §4.2: kept and given back."""
        worker = Worker()
        instance = '"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
        response = worker.register(ONE + f";+sip.instance={instance};reg-id=1")
        assert response.getAll("contact") == [
            f"<sip:alice@198.51.100.7>;+sip.instance={instance};reg-id=1;expires=3600"
        ]
        worker.register("Contact: *", "Expires: 0", callID="another")
        for bad in ("0", "x", "99999999999", "-1", "4294967296", ""):
            response = worker.register(ONE + f";reg-id={bad}".rstrip("="), cseq=int("2"))
            assert "reg-id" not in (response.get("contact") or "")
            worker.register("Contact: *", "Expires: 0", callID="another")


class TestInstance:
    """RFC 5626 §6: a phone that says which one it is, and comes back with another contact."""

    PHONE = ';+sip.instance="<urn:uuid:1>"'
    OTHER = ';+sip.instance="<urn:uuid:2>"'

    @pytest.mark.parametrize("flow", ["", ";reg-id=1"])
    def test_it_has_one_binding(self, flow: str) -> None:
        worker = Worker(maxContacts=1)
        worker.register(ONE + self.PHONE + flow)
        assert worker.register(TWO + self.PHONE + flow, callID="restarted").status == 200
        assert worker.contacts() == ["sip:alice@198.51.100.7:5070"]

    def test_one_for_each_flow(self) -> None:
        worker = Worker()
        for cseq, number in enumerate((1, 2, 2, 1), 1):
            contact = f"{ONE}{self.PHONE};reg-id={number}"
            assert worker.register(contact, cseq=cseq).status == 200
        found = worker.location.lookupNow("sip:alice@example.com")
        assert sorted((each.contact, each.regID) for each in found) == [
            ("sip:alice@198.51.100.7", 1),
            ("sip:alice@198.51.100.7", 2),
        ]

    def test_two_phones(self) -> None:
        worker = Worker()
        worker.register(ONE + self.PHONE)
        worker.register(TWO + self.OTHER, callID="other")
        assert len(worker.contacts()) == 2

    def test_two_contacts_of_one_request(self) -> None:
        worker = Worker()
        worker.register(ONE + self.PHONE, TWO + self.PHONE)
        assert len(worker.contacts()) == 2
        worker.register(TWO + self.PHONE, ONE + self.PHONE, cseq=2)
        assert len(worker.contacts()) == 2

    def test_removal(self) -> None:
        worker = Worker()
        worker.register(ONE + self.PHONE + ";reg-id=1")
        worker.register(TWO + self.PHONE + ";reg-id=1;expires=0", cseq=2)
        assert worker.contacts() == []

    def test_an_earlier_request(self) -> None:
        worker = Worker()
        worker.register(ONE + self.PHONE, cseq=2)
        assert worker.register(TWO + self.PHONE, cseq=1).status == 500
        assert worker.contacts() == ["sip:alice@198.51.100.7"]

    def test_a_contact_that_was_bound_without_flows(self) -> None:
        worker = Worker()
        worker.register(ONE)
        worker.register(ONE + self.PHONE + ";reg-id=1", cseq=2)
        assert len(worker.contacts()) == 1


class TestWildcard:
    """§10.2.2, §10.3 step 6"""

    def test_removes_all(self) -> None:
        worker = Worker()
        worker.register(ONE, TWO)
        assert listed(worker.register("Contact: *", "Expires: 0", cseq=2)) == {}
        assert worker.contacts() == []

    @pytest.mark.parametrize(
        "headers",
        [
            ["Contact: *"],
            ["Contact: *", "Expires: 1"],
            ["Contact: *", ONE, "Expires: 0"],
            ["Contact: *, *", "Expires: 0"],
            ["Contact: *;expires=0"],
        ],
    )
    def test_alone_and_at_once(self, headers: list[str]) -> None:
        worker = Worker()
        worker.register(TWO)
        assert worker.register(*headers, cseq=2).status == 400
        assert len(worker.contacts()) == 1

    def test_out_of_order(self) -> None:
        worker = Worker()
        worker.register(ONE, cseq=5)
        response = worker.register("Contact: *", "Expires: 0", cseq=5)
        assert (response.status, response.reason) == (500, "CSeq Out of Order")
        assert len(worker.contacts()) == 1
        assert worker.register("Contact: *", "Expires: 0", cseq=1, callID="new").status == 200


class TestOrder:
    """§10.3 step 7: Call-ID and CSeq"""

    def test_an_earlier_request_of_the_same_call_id_fails_as_a_whole(self) -> None:
        worker = Worker()
        worker.register(ONE, cseq=7)
        for cseq in (6, 7):
            response = worker.register(TWO, ONE + ";expires=100", cseq=cseq)
            assert (response.status, response.reason) == (500, "CSeq Out of Order")
        assert worker.register(ONE, "Expires: 0", cseq=6).status == 500
        assert worker.contacts() == ["sip:alice@198.51.100.7"]

    def test_another_call_id_starts_again(self) -> None:
        worker = Worker()
        worker.register(ONE, cseq=7)
        assert worker.register(ONE, cseq=1, callID="rebooted").status == 200
        assert worker.register(ONE, "Expires: 0", cseq=1, callID="other").status == 200
        assert worker.contacts() == []

    def test_the_very_same_request_again(self) -> None:
        """A retransmission whose transaction died with its worker hears of its success."""
        worker = Worker()
        worker.register(ONE, TWO, cseq=7)
        worker.reactor.advance(2)
        assert list(listed(worker.register(ONE, TWO, cseq=7)).values()) == [3598, 3598]
        worker.register(ONE, "Expires: 0", cseq=8)
        assert len(listed(worker.register(ONE, "Expires: 0", cseq=8))) == 1


class TestPath:
    """RFC 3327 §5.3"""

    def test_is_kept_and_given_back(self) -> None:
        worker = Worker()
        headers = ["Path: <sip:p1.example.org;lr>, <sip:p2.example.org;lr>", "Path: <sip:p3.org>"]
        response = worker.register(ONE, *headers, "Supported: path", "Require: path")
        path = ["<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>", "<sip:p3.org>"]
        assert response.getAll("path") == path
        (binding,) = worker.location.lookupNow("sip:alice@example.com")
        assert list(binding.path) == path
        assert (binding.flow, binding.viaFlow) == ("", False)

    def test_that_the_phone_does_not_know_of(self) -> None:
        worker = Worker()
        response = worker.register(ONE, "Path: <sip:p1.example.org;lr>", "Supported: gruu")
        assert response.status == 420
        assert response.getAll("unsupported") == ["path"]
        assert worker.contacts() == []
        tolerant = Worker(path="any")
        assert tolerant.register(ONE, "Path: <sip:p1.example.org;lr>").status == 200

    def test_without_path_the_next_refresh_drops_it(self) -> None:
        worker = Worker()
        worker.register(ONE, "Path: <sip:p1.example.org;lr>", "Supported: path")
        worker.register(ONE, cseq=2)
        (binding,) = worker.location.lookupNow("sip:alice@example.com")
        assert binding.path == ()


HERE, THERE = "198.51.100.7", "10.0.0.4"


class TestFlow:
    """Where calls to the phone are to go: over the flow, or to the contact."""

    def binding(self, contact: str, flow: PhoneFlow, via: str = HERE, setting: str = "auto") -> Any:
        worker = Worker(flow=setting)
        response = worker.register(f"Contact: {contact}", flow=flow, via=via)
        assert response.status == 200
        (binding,) = worker.location.lookupNow("sip:alice@example.com")
        assert binding.flow == flow.token
        return binding

    @pytest.mark.parametrize(
        "transport, contact, via, viaFlow",
        [
            ("UDP", f"<sip:a@{HERE}>", HERE, False),
            ("UDP", f"<sip:a@{THERE}>", THERE, True),
            ("UDP", f"<sip:a@{HERE}>", THERE, True),
            ("UDP", f"<sip:a@{THERE}>", HERE, True),
            ("UDP", "<sip:a@phone.example.org>", HERE, False),
            ("UDP", "<tel:+15551234>", HERE, False),
            ("TCP", f"<sip:a@{HERE}:4711;transport=tcp>", HERE, True),
            ("TCP", f"<sip:a@{THERE}>", THERE, True),
            ("TCP", f"<sip:a@{THERE}>", HERE, False),
            ("TLS", "<sip:a@q8x3.invalid>", HERE, True),
            ("TCP", "<tel:+15551234>", HERE, True),
            ("TCP", f"<sip:a@{THERE}>;+sip.instance=x;reg-id=1", HERE, True),
            ("UDP", f"<sip:a@{HERE}>;+sip.instance=x;reg-id=1", HERE, True),
        ],
    )
    def test_auto(self, transport: str, contact: str, via: str, viaFlow: bool) -> None:
        assert self.binding(contact, PhoneFlow(HERE, transport), via).viaFlow is viaFlow

    def test_addresses_of_ipv6(self) -> None:
        flow = PhoneFlow("2001:db8::7")
        same = self.binding("<sip:a@[2001:DB8:0::7]>", flow, "[2001:0db8::7]")
        other = self.binding("<sip:a@[2001:db8::8]>", flow, "[2001:db8::7]")
        assert (same.viaFlow, other.viaFlow) == (False, True)

    def test_always_and_never(self) -> None:
        contact = f"<sip:a@{HERE}>"
        assert self.binding(contact, PhoneFlow(HERE), setting="always").viaFlow
        tcp = PhoneFlow(HERE, "TCP")
        assert not self.binding(contact + ";+sip.instance=x;reg-id=1", tcp, setting="never").viaFlow

    def test_not_through_another_proxy(self) -> None:
        worker = Worker(flow="always")
        worker.register(ONE, "Via: SIP/2.0/UDP 198.51.100.9;branch=z9hG4bKx")
        (binding,) = worker.location.lookupNow("sip:alice@example.com")
        assert (binding.flow, binding.viaFlow) == ("", False)


class SlowLocation(MemoryLocation):
    """Has to be asked by Deferred."""

    def lookupNow(self, aor: str) -> Any:
        return None

    def lookup(self, aor: str) -> Deferred[Any]:
        return succeed(super().lookupNow(aor))


class FullLocation(MemoryLocation):
    def alter(self, aor: str, change: Any, committed: Any) -> None:
        committed(LocationStoreFull("no room"))


class NamedWorker(Worker):
    server = "Example 1"


def test_all_answers_say_who_gives_them() -> None:
    worker = NamedWorker()
    answers = [
        worker.register(ONE, cseq=2),
        worker.register(ONE, cseq=1),
        worker.register(),
        worker.register(ONE, to="<sip:alice@example.org>"),
    ]
    assert [answer.status for answer in answers] == [200, 500, 200, 404]
    assert [answer.getAll("Server") for answer in answers] == [["Example 1"]] * 4


class TestStore:
    def test_a_store_that_is_not_at_hand(self) -> None:
        worker = Worker(SlowLocation(lambda: 0.0))
        worker.register(ONE)
        assert len(listed(worker.register())) == 1

    def test_a_store_that_fails(self) -> None:
        """§10.3 step 7 has the request fail with 500. There is a line in the log, and not one for
        each phone that comes."""
        worker = Worker(FullLocation(lambda: 0.0))
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        try:
            for cseq in range(1, 4):
                assert worker.register(ONE, cseq=cseq).status == 500
            worker.reactor.advance(60)
            assert worker.register(ONE, cseq=4).status == 500
        finally:
            globalLogPublisher.removeObserver(events.append)
        assert [formatEvent(event) for event in events] == [
            "Registrations fail: no room (1 so far)",
            "Registrations fail: no room (4 so far)",
        ]
        assert worker.registrar.tallies["failed"] == 4

    def test_over_lmdb(self, tmp_path: Any) -> None:
        reactor = Clock()
        location = LMDBLocation(tmp_path, partial(reactor.callLater, 0), clock=reactor.seconds)
        worker = Worker(location)
        reactor.rightNow = worker.reactor.seconds()
        flow = PhoneFlow()
        with pytest.raises(ValueError, match="not enough values"):
            worker.register(ONE, flow=flow)
        reactor.advance(0)
        assert listed(flow.sent[0]) == {"sip:alice@198.51.100.7": 3600}
        location.close()
