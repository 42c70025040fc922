"""Tests of C{sipapp.config.checks}: settings that are right one by one, but not together."""

from __future__ import annotations

import pytest

from sipapp.config import ConfigurationError, Settings
from sipapp.config.checks import hostAndPort, isAddress, isHost
from tests.config.surroundings import FILE, parse

LISTEN = '[[listen]]\naddress = "127.0.0.1"\n'
TLS = '[listen.tls]\ncertificate = "/c.pem"\n'


# Each line: what is wrong with the file, and the whole of what is said about it.
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        # transports
        (
            f'{LISTEN}transport = "udb"',
            'listen[0].transport: expected one of "udp", "tcp", "tls", "http", "https", got "udb"',
        ),
        (
            f'{LISTEN}transport = ["udp", "sctp"]',
            'listen[0].transport: "sctp": SCTP is not supported: Twisted has no transport for it',
        ),
        (
            f'{LISTEN}transport = "ws"',
            'listen[0].transport: "ws": WebSocket is not supported by this version',
        ),
        (
            f'{LISTEN}transport = "wss"',
            'listen[0].transport: "wss": WebSocket is not supported by this version',
        ),
        (f"{LISTEN}transport = []", "listen[0].transport: names no transport"),
        (
            f'{LISTEN}transport = ["udp", "udp"]',
            'listen[0].transport: "udp" is there more than once',
        ),
        (
            f'{LISTEN}transport = ["udp", "http"]\nport = 80',
            "listen[0].transport: SIP and HTTP need listen blocks of their own",
        ),
        # addresses and ports
        ("[[listen]]\naddress = []", "listen[0].address: names no address"),
        (
            '[[listen]]\naddress = ["lo", "lo"]',
            'listen[0].address: "lo" is there more than once',
        ),
        (
            f'{LISTEN}transport = "http"\nresources = ["health"]',
            "listen[0].port: missing: there is no default for HTTP",
        ),
        (
            f'{LISTEN}transport = ["udp", "tcp", "tls"]\nport = 5060\n{TLS}',
            "listen[0].port: tcp and tls cannot share a port",
        ),
        # advertise
        (
            f'{LISTEN}advertise = "sip.example.com:0"',
            'listen[0].advertise: expected a host or host:port, got "sip.example.com:0"',
        ),
        (
            f'{LISTEN}advertise = "a;b"',
            'listen[0].advertise: expected a host or host:port, got "a;b"',
        ),
        (
            f'{LISTEN}transport = "http"\nport = 80\nresources = ["health"]\nadvertise = "a"',
            "listen[0].advertise: only SIP messages carry an address",
        ),
        # PROXY protocol
        (
            f'{LISTEN}transport = "udp"\nproxy_protocol = ["192.0.2.1"]',
            "listen[0].proxy_protocol: no transport of this listen block has connections",
        ),
        (
            f'{LISTEN}proxy_protocol = ["192.0.2.1", "lb"]',
            'listen[0]: proxy_protocol: expected an IP address or network, got "lb"',
        ),
        # limits
        (
            f'{LISTEN}transport = "udp"\n[listen.limits]\nhead_size = 1000\nidle_timeout = 5',
            "listen[0].limits.idle_timeout: a limit of connections; udp has none",
        ),
        (
            f'{LISTEN}transport = "http"\nport = 80\nresources = ["health"]\n'
            "[listen.limits]\nbody_size = 1000\nsend_backlog = 5000",
            "listen[0].limits.send_backlog: HTTP has no such limit",
        ),
        # TLS
        (
            f'{LISTEN}transport = ["udp", "tls"]',
            'listen[0].tls: missing: "tls" needs a [listen.tls] table with a certificate',
        ),
        (
            f'{LISTEN}transport = "https"\nport = 443\nresources = ["health"]',
            'listen[0].tls: missing: "https" needs a [listen.tls] table with a certificate',
        ),
        (
            f'{LISTEN}transport = "udp"\n{TLS}',
            'listen[0].tls: no transport of this listen block is "tls" or "https"',
        ),
        (
            f'{LISTEN}transport = "tls"\n{TLS}verify_client = "required"',
            "listen[0].tls.ca: missing: verify_client needs to know whom to trust",
        ),
        # resources
        (f"{LISTEN}resources = []", "listen[0].resources: names no resource"),
        (
            f'{LISTEN}transport = "http"\nport = 80',
            "listen[0].resources: missing",
        ),
        (
            f'{LISTEN}resources = ["registar"]',
            'listen[0].resources: no plugin provides "registar"; did you mean registrar?',
        ),
        (
            f'{LISTEN}resources = ["health"]',
            'listen[0].resources: "health" is a web resource: not for a SIP endpoint',
        ),
        (
            f'{LISTEN}transport = "http"\nport = 80\nresources = ["proxy"]',
            'listen[0].resources: "proxy" is a sip resource: not for an HTTP endpoint',
        ),
        (
            f'{LISTEN}resources = ["proxy", "proxy"]',
            'listen[0].resources: "proxy" is there more than once',
        ),
        (
            f"{LISTEN}[resource.health]",
            'resource.health: no listen block has "health" in its resources',
        ),
        # call records
        (
            f'{LISTEN}[call_records]\nproviders = ["calls-flie"]',
            'call_records.providers: no plugin provides "calls-flie"; did you mean calls-file?',
        ),
        (
            f'{LISTEN}[call_records]\nproviders = ["proxy"]',
            'call_records.providers: "proxy" is a sip resource: it keeps no call records',
        ),
        (
            f'{LISTEN}[call_records]\nproviders = ["calls-file", "calls-file"]',
            'call_records.providers: "calls-file" is there more than once',
        ),
        (
            f"{LISTEN}[resource.calls-file]",
            'resource.calls-file: call_records.providers does not name "calls-file"',
        ),
        (
            f'{LISTEN}resources = ["calls-file"]',
            'listen[0].resources: "calls-file" is a calls resource: not for a SIP endpoint',
        ),
        # server
        (
            f'{LISTEN}[server]\ndomains = ["example.com", "a b"]',
            'server.domains[1]: expected a domain, got "a b"',
        ),
        (
            f'{LISTEN}[trusted]\ndomains = ["example.com", "*.example.com"]',
            'trusted.domains[1]: expected a domain, got "*.example.com"',
        ),
        (
            f'{LISTEN}[trusted]\naddresses = ["192.0.2.0/24", "192.0.2.0/33"]',
            'trusted: addresses: expected an IP address or network, got "192.0.2.0/33"',
        ),
        (f'{LISTEN}[server]\ngroup = "sipapp"', "server.group: needs a user as well"),
        (
            f'{LISTEN}[server]\nname = "a\\nb"',
            'server.name: expected printable ASCII characters, got "a\\nb"',
        ),
        # sip
        (
            f'{LISTEN}[sip.tls]\nprivate_key = "/k.pem"',
            "sip.tls.private_key: needs a certificate as well",
        ),
        (f"{LISTEN}[sip]\nt1 = 5.0", "sip.t2: expected no less than t1, 5.0, got 4.0"),
        (
            f"{LISTEN}[sip]\nt1 = 0.1",
            "sip.t2: expected no more than 32 times t1, 3.2, got 4.0",
        ),
        (
            f'{LISTEN}[sip.dns]\nnameservers = ["127.0.0.1", "ns.example.com"]',
            'sip.dns.nameservers[1]: expected an IP address or address:port, got "ns.example.com"',
        ),
        (
            f'{LISTEN}[sip.dns]\nnameservers = ["127.0.0.1:0"]',
            'sip.dns.nameservers[0]: expected an IP address or address:port, got "127.0.0.1:0"',
        ),
    ],
)
def test_complaint(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value) == f"{FILE}: {complaint}"


@pytest.mark.parametrize(
    "text",
    [
        f'{LISTEN}transport = ["udp", "tcp", "tls"]\n{TLS}',
        f'{LISTEN}transport = ["tcp", "tls"]\nport = 0\n{TLS}',
        f'{LISTEN}transport = ["http", "https"]\nport = 0\nresources = ["health"]\n{TLS}',
        f'{LISTEN}transport = "tls"\n{TLS}verify_client = "required"\nca = "/ca.pem"',
        f"{LISTEN}[listen.limits]\nconnections = 10",
        f'{LISTEN}proxy_protocol = ["192.0.2.1", "2001:db8::/32"]',
        f'{LISTEN}advertise = "[2001:db8::1]:5060"',
        f'{LISTEN}[server]\nuser = "a"\ngroup = "b"\nname = "sipapp/1 (x)"',
        f'{LISTEN}[sip.dns]\nnameservers = ["127.0.0.1:53", "::1", "[::1]:5353"]',
        f'{LISTEN}[call_records]\nproviders = ["calls-file"]\n[resource.calls-file]',
        f'{LISTEN}[server]\ndomains = ["example.com", "192.0.2.1", "2001:db8::1", "a_b.test"]',
    ],
)
def test_noComplaint(text: str) -> None:
    assert isinstance(parse(text), Settings)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("example.com", ("example.com", None)),
        ("example.com.", ("example.com.", None)),
        ("example.com:5060", ("example.com", 5060)),
        ("192.0.2.1", ("192.0.2.1", None)),
        ("192.0.2.1:1", ("192.0.2.1", 1)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("[2001:db8::1]", ("2001:db8::1", None)),
        ("[2001:db8::1]:65535", ("2001:db8::1", 65535)),
        ("", None),
        (":5060", None),
        ("example.com:", None),
        ("example.com:x", None),
        ("example.com:65536", None),
        ("example.com:-1", None),
        ("example.com:٣", None),
        ("[2001:db8::1", None),
        ("[2001:db8::1]x", None),
        ("[192.0.2.1]:5060", None),
        ("[fe80::1%eth0]", None),
        ("a..b", None),
        ("-a.b", None),
        ("a b", None),
        ("x" * 300, None),
    ],
)
def test_hostAndPort(text: str, parts: tuple[str, int | None] | None) -> None:
    assert hostAndPort(text) == parts


def test_hostsAndAddresses() -> None:
    assert isAddress("::1")
    assert not isAddress("fe80::1%lo")
    assert not isAddress("localhost")
    assert isHost("localhost")
    assert isHost("::1")
    assert not isHost("a/b")
