"""The rules of RFC 3263 and RFC 2782, over a DNS that is a dict."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from sipapp.transport.records import NAPTR, SRV, DNSFailure, Question, familyOf
from sipapp.transport.selection import addresses, orderServers
from sipapp.transport.target import Address, LocateError, Target

ALL = frozenset({"UDP", "TCP", "TLS"})

# RFC 3263 §4.1 and §4.2, with addresses for the servers that its example names.
EXAMPLE: dict[tuple[str, str], Any] = {
    ("example.com", "NAPTR"): [
        NAPTR(100, 50, "s", "SIP+D2U", "_sip._udp.example.com"),
        NAPTR(50, 50, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        NAPTR(90, 50, "s", "SIP+D2T", "_sip._tcp.example.com"),
    ],
    ("_sip._tcp.example.com", "SRV"): [
        SRV(0, 1, 5060, "server1.example.com"),
        SRV(0, 2, 5060, "server2.example.com"),
    ],
    ("_sips._tcp.example.com", "SRV"): [SRV(0, 0, 5061, "server1.example.com")],
    ("_sip._udp.example.com", "SRV"): [SRV(0, 0, 5060, "server2.example.com")],
    ("server1.example.com", "A"): ["192.0.2.1"],
    ("server2.example.com", "A"): ["192.0.2.2"],
    ("server2.example.com", "AAAA"): ["2001:db8::2"],
}


def lowest(low: int, high: int) -> int:
    return low


def find(
    target: Target,
    zone: dict[tuple[str, str], Any] = EXAMPLE,
    supported: frozenset[str] = ALL,
    families: Sequence[int] = (4, 6),
    asked: list[Question] | None = None,
    **more: Any,
) -> list[Address]:
    asking = addresses(target, supported, families, more.pop("random", lowest), **more)
    try:
        questions = next(asking)
        while True:
            if asked is not None:
                asked.extend(questions)
            questions = asking.send([zone.get(tuple(question), []) for question in questions])
    except StopIteration as stop:
        return stop.value


class TestTransport:
    """RFC 3263 §4.1"""

    def test_the_example_prefers_tls_if_it_is_there(self) -> None:
        assert find(Target("example.com")) == [
            Address("TLS", "192.0.2.1", 5061, "example.com"),
        ]

    def test_the_example_for_a_client_of_tcp_and_udp(self) -> None:
        """If the client supports TCP and UDP, TCP will be used, it says."""
        found = find(Target("example.com"), supported=frozenset({"TCP", "UDP"}))
        assert found == [
            Address("TCP", "192.0.2.1", 5060),
            Address("TCP", "192.0.2.2", 5060),
            Address("TCP", "2001:db8::2", 5060),
        ]

    def test_a_client_of_udp_only(self) -> None:
        found = find(Target("example.com"), supported=frozenset({"UDP"}), families=(6, 4))
        assert found == [Address("UDP", "2001:db8::2", 5060), Address("UDP", "192.0.2.2", 5060)]

    def test_a_sips_uri_takes_sips_services_only(self) -> None:
        assert find(Target("example.com", secure=True)) == [
            Address("TLS", "192.0.2.1", 5061, "example.com")
        ]
        zone = {("example.com", "NAPTR"): EXAMPLE["example.com", "NAPTR"][:1]}
        with pytest.raises(LocateError, match=r"example\.com offers only SIP\+D2U"):
            find(Target("example.com", secure=True), zone)

    @pytest.mark.parametrize(
        "target, expected",
        [
            (Target("192.0.2.7"), Address("UDP", "192.0.2.7", 5060)),
            (Target("192.0.2.7", 5070), Address("UDP", "192.0.2.7", 5070)),
            (Target("192.0.2.7", transport="tcp"), Address("TCP", "192.0.2.7", 5060)),
            (Target("192.0.2.7", transport="TLS"), Address("TLS", "192.0.2.7", 5061, "192.0.2.7")),
            (Target("192.0.2.7", secure=True), Address("TLS", "192.0.2.7", 5061, "192.0.2.7")),
            (
                Target("192.0.2.7", 5080, "tcp", secure=True),
                Address("TLS", "192.0.2.7", 5080, "192.0.2.7"),
            ),
            (Target("2001:db8::7"), Address("UDP", "2001:db8::7", 5060)),
            (Target("example.com", maddr="192.0.2.9"), Address("UDP", "192.0.2.9", 5060)),
            (
                Target("example.com", maddr="192.0.2.9", secure=True),
                Address("TLS", "192.0.2.9", 5061, "example.com"),
            ),
        ],
    )
    def test_a_numeric_target_needs_no_dns(self, target: Target, expected: Address) -> None:
        asked: list[Question] = []
        assert find(target, {}, asked=asked) == [expected]
        assert asked == []

    def test_without_udp_a_numeric_target_goes_over_tcp(self) -> None:
        """For a request that is too long for UDP, RFC 3261 §18.1.1."""
        found = find(Target("192.0.2.7"), supported=frozenset({"TCP", "TLS"}))
        assert found == [Address("TCP", "192.0.2.7", 5060)]

    def test_a_port_means_no_naptr_and_no_srv(self) -> None:
        asked: list[Question] = []
        found = find(Target("server1.example.com", 5080), asked=asked)
        assert found == [Address("UDP", "192.0.2.1", 5080)]
        assert [question.kind for question in asked] == ["A", "AAAA"]

    def test_a_transport_means_no_naptr(self) -> None:
        asked: list[Question] = []
        found = find(Target("example.com", transport="udp"), asked=asked)
        assert [address.host for address in found] == ["192.0.2.2", "2001:db8::2"]
        assert asked[0] == ("_sip._udp.example.com", "SRV")

    def test_maddr_takes_the_place_of_the_host(self) -> None:
        asked: list[Question] = []
        find(Target("example.org", maddr="Example.COM."), asked=asked)
        assert asked[0] == ("example.com", "NAPTR")

    def test_without_naptr_the_srv_records_tell(self) -> None:
        zone = {key: value for key, value in EXAMPLE.items() if key[1] != "NAPTR"}
        assert {a.transport for a in find(Target("example.com"), zone)} == {"UDP"}
        del zone["_sip._udp.example.com", "SRV"]
        assert {a.transport for a in find(Target("example.com"), zone)} == {"TCP"}
        assert {a.transport for a in find(Target("example.com", secure=True), zone)} == {"TLS"}

    def test_without_naptr_and_srv_the_host_itself(self) -> None:
        asked: list[Question] = []
        found = find(Target("server1.example.com"), asked=asked)
        assert found == [Address("UDP", "192.0.2.1", 5060)]
        assert asked == [
            ("server1.example.com", "NAPTR"),
            ("_sip._udp.server1.example.com", "SRV"),
            ("_sip._tcp.server1.example.com", "SRV"),
            ("_sips._tcp.server1.example.com", "SRV"),
            ("server1.example.com", "A"),
            ("server1.example.com", "AAAA"),
        ]
        assert find(Target("server1.example.com", transport="tcp")) == [
            Address("TCP", "192.0.2.1", 5060)
        ]
        assert find(Target("server1.example.com", secure=True)) == [
            Address("TLS", "192.0.2.1", 5061, "server1.example.com")
        ]

    def test_a_plain_name_is_asked_for_addresses_only(self) -> None:
        asked: list[Question] = []
        found = find(Target("server1.example.com"), asked=asked, plain=True)
        assert found == [Address("UDP", "192.0.2.1", 5060)]
        assert {question.kind for question in asked} == {"A", "AAAA"}

    def test_only_the_lowest_order_that_matches(self) -> None:
        """RFC 2915 §2; within one order the preference decides which is tried first."""
        zone = {
            **EXAMPLE,
            ("example.com", "NAPTR"): [
                NAPTR(10, 2, "S", "sip+d2u", "_sip._udp.example.com"),
                NAPTR(10, 1, "s", "SIP+D2T", "_sip._tcp.example.com"),
                NAPTR(20, 0, "s", "SIPS+D2T", "_sips._tcp.example.com"),
                NAPTR(1, 0, "s", "SIP+D2S", "_sip._sctp.example.com"),
                NAPTR(1, 0, "u", "E2U+sip", ""),
            ],
        }
        found = find(Target("example.com"), zone, families=(4,))
        assert [address.transport for address in found] == ["TCP", "TCP", "UDP"]

    def test_naptr_records_that_are_about_other_things_count_for_nothing(self) -> None:
        zone = {**EXAMPLE, ("example.com", "NAPTR"): [NAPTR(1, 0, "u", "E2U+sip", "")]}
        assert {a.transport for a in find(Target("example.com"), zone)} == {"UDP"}


class TestServers:
    """RFC 3263 §4.2, RFC 2782"""

    def test_every_address_of_every_server_in_order(self) -> None:
        """§4.3: the next one is tried when one fails."""
        zone = {
            ("_sip._udp.example.com", "SRV"): [
                SRV(20, 0, 5064, "backup.example.com"),
                SRV(10, 0, 5062, "main.example.com"),
            ],
            ("main.example.com", "A"): ["192.0.2.1", "192.0.2.2"],
            ("main.example.com", "AAAA"): ["2001:db8::1"],
            ("backup.example.com", "A"): ["192.0.2.9"],
        }
        found = find(Target("example.com", transport="udp"), zone)
        assert [(a.host, a.port) for a in found] == [
            ("192.0.2.1", 5062),
            ("192.0.2.2", 5062),
            ("2001:db8::1", 5062),
            ("192.0.2.9", 5064),
        ]

    def test_a_server_without_an_address_is_left_out(self) -> None:
        zone = {
            ("_sip._udp.example.com", "SRV"): [SRV(0, 0, 1, "gone.h"), SRV(1, 0, 2, "there.h")],
            ("there.h", "A"): ["192.0.2.1"],
        }
        assert find(Target("example.com", transport="udp"), zone) == [
            Address("UDP", "192.0.2.1", 2)
        ]

    def test_a_service_that_is_decidedly_not_there(self) -> None:
        """RFC 2782: a target of C{.}; the host's own address is not tried instead."""
        zone = {
            ("_sip._udp.example.com", "SRV"): [SRV(0, 0, 0, "")],
            ("example.com", "A"): ["192.0.2.1"],
        }
        with pytest.raises(LocateError, match=r"no address found for _sip\._udp\.example\.com"):
            find(Target("example.com", transport="udp"), zone)

    def test_no_more_servers_than_are_sensible(self) -> None:
        zone: dict[tuple[str, str], Any] = {
            ("_sip._udp.example.com", "SRV"): [SRV(n, 0, 5060, f"h{n}.h") for n in range(1000)]
        }
        zone.update({(f"h{n}.h", "A"): [f"192.0.2.{n % 250}"] for n in range(1000)})
        assert len(find(Target("example.com", transport="udp"), zone)) == 16

    def test_no_more_addresses_than_are_sensible(self) -> None:
        """One request is not sent to thousands, one after the other."""
        zone = {("example.com", "A"): [f"192.0.{n // 250}.{n % 250}" for n in range(1000)]}
        found = find(Target("example.com", 5060), zone)
        assert [address.host for address in found] == zone["example.com", "A"][:32]

    def test_no_more_services_than_are_sensible(self) -> None:
        """Nor does one ask a thousand questions."""
        rules = [NAPTR(1, n, "s", "SIP+D2U", f"_sip._udp.s{n}.h") for n in range(1000)]
        asked: list[Question] = []
        with pytest.raises(LocateError, match="has no SRV record"):
            find(Target("example.com"), {("example.com", "NAPTR"): rules}, asked=asked)
        assert len(asked) == 1 + 16

    @pytest.mark.parametrize("priorities", [1, 1000])
    def test_no_more_is_drawn_than_is_needed(self, priorities: int) -> None:
        """A thousand servers are not put into an order of which sixteen count."""
        servers = [SRV(n % priorities, 1, 1, f"h{n}.h") for n in range(1000)]
        drawn: list[int] = []

        def draw(low: int, high: int) -> int:
            drawn.append(high)
            return low

        assert len(orderServers(servers, draw)) == len(drawn) == 16

    def test_by_priority_first(self) -> None:
        servers = [SRV(priority, 100, 5060, f"{priority}.h") for priority in (30, 10, 20)]
        assert [s.priority for s in orderServers(servers, lowest)] == [10, 20, 30]

    def test_the_choice_follows_the_running_sum(self) -> None:
        """RFC 2782: the first whose running sum is not less than the number."""
        one, two, zero = SRV(0, 1, 1, "one"), SRV(0, 2, 1, "two"), SRV(0, 0, 1, "zero")
        drawn: list[tuple[int, int]] = []

        def draw(low: int, high: int) -> int:
            drawn.append((low, high))
            return {3: 2, 1: 1, 0: 0}[high]

        assert orderServers([one, two, zero], draw) == [two, one, zero]
        assert drawn == [(0, 3), (0, 1), (0, 0)]
        assert orderServers([one, two, zero], lowest) == [zero, one, two]

    def test_in_proportion_to_the_weights(self) -> None:
        servers = [SRV(0, 60, 1, "sixty"), SRV(0, 30, 1, "thirty"), SRV(0, 10, 1, "ten")]
        dice = random.Random(2782)
        first = Counter(orderServers(servers, dice.randint)[0].target for _ in range(5000))
        assert 0.57 < first["sixty"] / 5000 < 0.63
        assert 0.27 < first["thirty"] / 5000 < 0.33
        assert 0.08 < first["ten"] / 5000 < 0.12


class TestNowhere:
    @pytest.mark.parametrize(
        "target, supported, reason",
        [
            (Target("nowhere.example"), ALL, "no address found for nowhere.example"),
            (Target("192.0.2.1", transport="sctp"), ALL, "the transport SCTP is not available"),
            (Target("192.0.2.1", transport="tls"), {"UDP"}, "the transport TLS is not available"),
            (Target("192.0.2.1", secure=True), {"UDP"}, "a sips URI needs TLS"),
            (Target("example.com", secure=True), {"TCP"}, r"example\.com offers only"),
            (Target("h", 5061, secure=True), {"TCP"}, "a sips URI needs TLS"),
            (Target("192.0.2.1", transport="udp", secure=True), ALL, "sips URI .* over UDP"),
            (Target("192.0.2.1"), set(), "no transport is available"),
        ],
    )
    def test_says_why(self, target: Target, supported: set[str], reason: str) -> None:
        with pytest.raises(LocateError, match=reason) as caught:
            find(target, supported=frozenset(supported))
        assert caught.value.status == 503

    def test_a_domain_that_names_a_service_without_servers(self) -> None:
        zone = {("h", "NAPTR"): [NAPTR(1, 1, "s", "SIP+D2U", "_sip._udp.elsewhere.example")]}
        with pytest.raises(LocateError, match=r"h names _sip\._udp\.elsewhere\.example, which has"):
            find(Target("h"), zone)


class TestFailures:
    """A name server that does not answer as it should."""

    def test_silence_ends_it(self) -> None:
        asked: list[Question] = []
        zone = {("h", "NAPTR"): DNSFailure("no name server answered", silent=True)}
        with pytest.raises(LocateError, match="no name server answered"):
            find(Target("h"), zone, asked=asked)
        assert len(asked) == 1

    def test_a_refusal_of_naptr_and_srv_leaves_the_addresses(self) -> None:
        zone = {
            ("h", "NAPTR"): DNSFailure("refused"),
            ("_sip._udp.h", "SRV"): DNSFailure("refused"),
            ("h", "A"): ["192.0.2.1"],
            ("h", "AAAA"): DNSFailure("silent", silent=True),
        }
        assert find(Target("h"), zone) == [Address("UDP", "192.0.2.1", 5060)]

    def test_the_failure_is_the_reason_if_there_is_nothing_else(self) -> None:
        zone = {("h", "AAAA"): DNSFailure("server failure for AAAA of h")}
        with pytest.raises(LocateError, match="server failure for AAAA of h"):
            find(Target("h", 5060), zone)


@pytest.mark.parametrize(
    "host, family",
    [
        ("192.0.2.1", 4),
        ("2001:db8::1", 6),
        ("::ffff:192.0.2.1", 6),
        ("1.2.3", 0),
        ("1.2.3.4.5", 0),
        ("300.1.1.1", 0),
        ("x:y", 0),
        ("1::2::3", 0),
        ("example.com", 0),
        ("", 0),
        ("\u0661.2.3.4", 0),
        (":\udcff", 0),
        (":\0", 0),
    ],
)
def test_family_of(host: str, family: int) -> None:
    assert familyOf(host) == family


def test_target_of_a_uri() -> None:
    class URI:
        scheme, host, port, transport, maddr = "sips", "example.com", 5061, "tcp", "192.0.2.1"

    expected = Target("example.com", 5061, "tcp", "192.0.2.1", True)
    assert Target.ofURI(URI()) == expected
