"""Tests of C{sipapp.config.resolve}: the table of pool sizes, row by row, and the holes that others
fell into."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.config import (
    SHARED,
    ConfigurationError,
    ListenSettings,
    Plan,
    PoolsSettings,
    Settings,
    TLSSettings,
    resolve,
)
from tests.config.surroundings import FILE, FakeMachine, plan

POOLS = "[pools]\nchildren = 3\ntcp_children = 5\n"
TLS = 'tls = { certificate = "/c.pem" }\n'
WEB = 'port = 8080\nresources = ["health"]\n'


def sizes(plan: Plan) -> dict[str, tuple[str, int]]:
    """For each listener, its pool and the size of it."""
    return {listener.name: (listener.pool, listener.slots) for listener in plan.listeners}


def block(address: str, transport: str, more: str = "") -> str:
    return f'[[listen]]\naddress = "{address}"\ntransport = {transport}\n{more}'


# The table of pool sizes: a row each for udp, streams and HTTP.


def test_udpWithWorkers() -> None:
    result = plan(
        POOLS
        + block("127.0.0.1", '"udp"', "socket_workers = 4")
        + "\n"
        + block("192.0.2.1", '"udp"')
    )
    assert sizes(result) == {"udp:127.0.0.1:5060": ("udp-0", 4), "udp:192.0.2.1:5060": ("udp-1", 3)}
    assert result.processes == 7


def test_udpWithoutWorkers() -> None:
    result = plan(POOLS + block("127.0.0.1", '"udp"') + block("192.0.2.1", '"udp"'))
    assert sizes(result) == {"udp:127.0.0.1:5060": ("udp-0", 3), "udp:192.0.2.1:5060": ("udp-1", 3)}
    assert [pool.reason for pool in result.pools] == ["pools.children", "pools.children"]
    assert result.processes == 6


@pytest.mark.parametrize(("transport", "port"), [("tcp", 5060), ("tls", 5061)])
def test_streamWithWorkers(transport: str, port: int) -> None:
    tls = TLS if transport == "tls" else ""
    result = plan(
        POOLS
        + block("127.0.0.1", '"tcp"', "port = 5070\n")
        + block("127.0.0.1", f'"{transport}"', f"{tls}socket_workers = 2")
    )
    assert sizes(result) == {
        "tcp:127.0.0.1:5070": (SHARED, 5),
        f"{transport}:127.0.0.1:{port}": ("tcp-1", 2),
    }
    assert result.pool("tcp-1").listeners == (1,)
    assert result.pool("tcp-1").reason == "listen[1].socket_workers"
    assert result.processes == 7, "the workers are extra"


def test_streamsWithoutWorkersShareOnePool() -> None:
    result = plan(
        POOLS
        + block("127.0.0.1", '"tcp"')
        + block("127.0.0.1", '"tls"', TLS)
        + block("eth0", '["tcp", "tls"]', TLS)
    )
    assert {pool.name: (pool.size, len(pool.listeners)) for pool in result.pools} == {
        SHARED: (5, 6)
    }
    assert result.pool(SHARED).reason == "pools.tcp_children"


def test_sharedPoolIsAsLargeAsChildrenByDefault() -> None:
    result = plan("[pools]\nchildren = 3\n" + block("127.0.0.1", '"tcp"'))
    assert (result.pool(SHARED).size, result.pool(SHARED).reason) == (3, "pools.children")


def test_eachStreamWorkerHasAConnection() -> None:
    listens = block("127.0.0.1", '["udp", "tcp"]') + block(
        "127.0.0.1", '"tcp"', "port = 5070\nsocket_workers = 2"
    )
    limited = POOLS + "tcp_max_connections = {}\n" + listens
    assert plan(limited.format(7)).streamWorkers == 7
    with pytest.raises(ConfigurationError, match="7 workers of TCP and TLS") as caught:
        plan(limited.format(6))
    assert "pools.tcp_max_connections" in str(caught.value)


@pytest.mark.parametrize("transport", ["http", "https"])
def test_webWithWorkers(transport: str) -> None:
    tls = TLS if transport == "https" else ""
    result = plan(POOLS + block("127.0.0.1", f'"{transport}"', f"{WEB}{tls}socket_workers = 2"))
    assert sizes(result) == {f"{transport}:127.0.0.1:8080": ("http-0", 2)}


@pytest.mark.parametrize("transport", ["http", "https"])
def test_webWithoutWorkers(transport: str) -> None:
    tls = TLS if transport == "https" else ""
    result = plan(
        POOLS
        + block("127.0.0.1", '"tcp"')
        + block("127.0.0.1", f'"{transport}"', f"{WEB}{tls}")
        + block("127.0.0.1", '"http"', WEB.replace("8080", "8081"))
    )
    assert sizes(result) == {
        "tcp:127.0.0.1:5060": (SHARED, 5),
        f"{transport}:127.0.0.1:8080": ("http-0", 1),
        "http:127.0.0.1:8081": ("http-1", 1),
    }


# The holes.


def test_countIsNotLostWhenAnInterfaceIsExpanded() -> None:
    result = plan(POOLS + block("eth0", '"udp"', "socket_workers = 4"))
    assert sizes(result) == {
        "udp:192.0.2.1:5060": ("udp-0", 4),
        "udp:[2001:db8::1]:5060": ("udp-1", 4),
    }


def test_everyTransportGetsTheCount() -> None:
    result = plan(POOLS + block("127.0.0.1", '["udp", "tcp", "tls"]', f"{TLS}socket_workers = 4"))
    assert sizes(result) == {
        "udp:127.0.0.1:5060": ("udp-0", 4),
        "tcp:127.0.0.1:5060": ("tcp-0", 4),
        "tls:127.0.0.1:5061": ("tcp-1", 4),
    }


def test_everyAddressAndTransportGetsTheCount() -> None:
    result = plan(POOLS + block("localhost", '["udp", "tcp"]', "socket_workers = 4"))
    assert sizes(result) == {
        "udp:127.0.0.1:5060": ("udp-0", 4),
        "tcp:127.0.0.1:5060": ("tcp-0", 4),
        "udp:[::1]:5060": ("udp-1", 4),
        "tcp:[::1]:5060": ("tcp-1", 4),
    }
    assert result.processes == 16


def test_tlsWithoutWorkersIsNotServedByAnotherSocketsPool() -> None:
    result = plan(
        POOLS
        + block("127.0.0.1", '"tcp"', "socket_workers = 2\n")
        + block("127.0.0.1", '"tls"', TLS)
    )
    assert sizes(result) == {
        "tcp:127.0.0.1:5060": ("tcp-0", 2),
        "tls:127.0.0.1:5061": (SHARED, 5),
    }


def test_noSharedPoolWithoutNeed() -> None:
    result = plan(
        POOLS
        + block("127.0.0.1", '["udp", "tcp"]', "socket_workers = 1\n")
        + block("127.0.0.1", '"http"', WEB)
    )
    assert SHARED not in {pool.name for pool in result.pools}


def test_countIsNotCarriedToTheNextBlock() -> None:
    result = plan(
        POOLS
        + block("127.0.0.1", '"udp"', "socket_workers = 4\n")
        + block("192.0.2.1", '"udp"')
        + block("192.0.2.1", '"http"', WEB)
    )
    assert [pool.size for pool in result.pools] == [4, 3, 1]


addresses = st.lists(
    st.sampled_from(["127.0.0.1", "::1", "192.0.2.1", "eth1"]), min_size=1, max_size=3, unique=True
)
workers = st.none() | st.integers(min_value=1, max_value=9)


def listenSettings(port: int, web: bool) -> st.SearchStrategy[ListenSettings]:
    transports = [["http"], ["https"]] if web else [["udp"], ["tcp"], ["udp", "tcp"], ["tls"]]

    def make(address: list[str], transport: list[str], own: int | None) -> ListenSettings:
        return ListenSettings(
            address=tuple(address),
            port=port,
            transport=tuple(transport),
            socketWorkers=own,
            tls=TLSSettings(certificate="/c") if transport[0] in ("tls", "https") else None,
        )

    return st.builds(make, addresses, st.sampled_from(transports), workers)


@st.composite
def someSettings(draw: Any) -> Settings:
    kinds = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    return Settings(
        file=FILE,
        pools=PoolsSettings(
            children=draw(st.integers(min_value=1, max_value=9)), tcpChildren=draw(workers)
        ),
        listen=tuple(draw(listenSettings(6000 + i, web)) for i, web in enumerate(kinds)),
    )


@given(someSettings())
def test_rulesHoldForAnyConfiguration(settings: Settings) -> None:
    result = resolve(settings, FakeMachine())
    assert [listener.index for listener in result.listeners] == list(range(len(result.listeners)))
    served = [index for pool in result.pools for index in pool.listeners]
    assert sorted(served) == list(range(len(result.listeners))), "each in exactly one pool"
    expected = 0
    sharing = False
    for listener in result.listeners:
        pool = result.pool(listener.pool)
        own = settings.listen[listener.block].socketWorkers
        assert listener.listen is settings.listen[listener.block]
        assert listener.index in pool.listeners
        assert listener.slots == pool.size
        if own is None and listener.transport in ("tcp", "tls"):
            assert listener.pool == SHARED
            assert pool.size == settings.pools.sharedSize
            sharing = True
        else:
            assert pool.listeners == (listener.index,), "for it alone"
            default = settings.pools.children if listener.transport == "udp" else 1
            assert pool.size == (default if own is None else own)
            expected += pool.size
    assert (SHARED in {pool.name for pool in result.pools}) == sharing
    assert result.processes == expected + (settings.pools.sharedSize if sharing else 0)


# Addresses.


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ('"192.0.2.9"', [("192.0.2.9", 4)]),
        ('"2001:DB8:0::9"', [("2001:db8::9", 6)]),
        ('"[::1]"', [("::1", 6)]),
        ('"0.0.0.0"', [("0.0.0.0", 4)]),
        ('"::"', [("::", 6)]),
        ('"*"', [("0.0.0.0", 4), ("::", 6)]),
        ('"localhost"', [("127.0.0.1", 4), ("::1", 6)]),
        ('"lo"', [("127.0.0.1", 4), ("::1", 6)]),
        ('"eth0"', [("192.0.2.1", 4), ("2001:db8::1", 6)]),
        ('["eth1", "::1"]', [("192.0.2.65", 4), ("::1", 6)]),
    ],
)
def test_addresses(address: str, hosts: list[tuple[str, int]]) -> None:
    result = plan(f'[[listen]]\naddress = {address}\ntransport = "udp"\n')
    assert [(listener.host, listener.family) for listener in result.listeners] == hosts


@pytest.mark.parametrize(("address", "host"), [("*", "0.0.0.0"), ("localhost", "127.0.0.1")])
def test_machineWithoutIPv6(address: str, host: str) -> None:
    machine = FakeMachine(addresses={"lo": ("127.0.0.1",)})
    result = plan(block(address, '"udp"'), machine)
    assert [listener.host for listener in result.listeners] == [host]


def test_wildcardLeavesTheOtherFamilyAndTransportAlone() -> None:
    text = (
        block("0.0.0.0", '"udp"')
        + block("127.0.0.1", '"tcp"')
        + block("::1", '"udp"')
        + block("127.0.0.1", '"udp"', "port = 5070\n")
    )
    assert len(plan(text).listeners) == 4


def test_advertisedAddress() -> None:
    result = plan(
        block("127.0.0.1", '"udp"', 'advertise = "sip.example.com:5080"\n')
        + block("127.0.0.1", '"tcp"', 'advertise = "[2001:db8::5]"\n')
        + block("192.0.2.1", '"udp"')
    )
    assert [(each.advertisedHost, each.advertisedPort) for each in result.listeners] == [
        ("sip.example.com", 5080),
        ("2001:db8::5", None),
        (None, None),
    ]


def test_portsThatTheKernelChoosesDoNotCollide() -> None:
    assert len(plan(block("127.0.0.1", '["udp", "tcp"]', "port = 0\n") * 2).listeners) == 4


# What cannot be honoured is refused, with the reason.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            block("eth7", '"udp"'),
            'listen[0].address: expected an IP address, "*", "localhost" or a network interface,'
            ' got "eth7"; the interfaces here are eth0, eth1, lo, tun0',
        ),
        (
            block("tun0", '"udp"'),
            "listen[0].address: the interface tun0 has no address to listen at",
        ),
        (
            block("fe80::1", '"udp"'),
            'listen[0].address: "fe80::1": SIP has no way to write a link-local address',
        ),
        (
            block("::ffff:127.0.0.1", '"udp"'),
            'listen[0].address: "::ffff:127.0.0.1": write the IPv4 address 127.0.0.1',
        ),
        (
            block("127.0.0.1:5060", '"udp"'),
            'listen[0].address: "127.0.0.1:5060": the port is a key of its own, port = 5060',
        ),
        (
            block("127.0.0.1", '"udp"') + block("lo", '"udp"'),
            "listen[1].address: udp:127.0.0.1:5060 is taken by udp:127.0.0.1:5060 of listen[0]",
        ),
        (
            block("127.0.0.1", '"tcp"') + block("127.0.0.1", '"http"', WEB.replace("8080", "5060")),
            "listen[1].address: http:127.0.0.1:5060 is taken by tcp:127.0.0.1:5060 of listen[0]",
        ),
        (
            '[[listen]]\naddress = ["lo", "::1"]\ntransport = "udp"',
            "listen[0].address: udp:[::1]:5060 is taken by udp:[::1]:5060 of listen[0]",
        ),
        (
            block("0.0.0.0", '"udp"') + block("127.0.0.1", '"udp"'),
            "listen[1].address: udp:127.0.0.1:5060 is taken by udp:0.0.0.0:5060 of listen[0]",
        ),
        (
            block("::1", '"tcp"') + block("::", '"tcp"'),
            "listen[1].address: tcp:[::]:5060 is taken by tcp:[::1]:5060 of listen[0]",
        ),
        (
            '[server]\nuser = "nobody-here"\n' + block("lo", '"udp"'),
            'server.user: there is no user "nobody-here" here',
        ),
        (
            '[server]\nuser = "sipapp"\ngroup = "none"\n' + block("lo", '"udp"'),
            'server.group: there is no group "none" here',
        ),
        (
            '[location]\nstore = "memory"\n[pools]\nchildren = 2\n' + block("127.0.0.1", '"udp"'),
            'location.store: "memory" is not shared: each of the 2 SIP workers would have its own',
        ),
    ],
)
def test_complaint(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan(text)
    assert str(caught.value) == f"{FILE}: {complaint}"


def test_memoryStoreForOneWorker() -> None:
    result = plan(
        '[location]\nstore = "memory"\n'
        + block("127.0.0.1", '"udp"', "socket_workers = 1\n")
        + block("127.0.0.1", '"http"', WEB)
    )
    assert result.processes == 2


def test_interfacesThatCannotBeListed() -> None:
    with pytest.raises(ConfigurationError) as caught:
        plan(block("eth0", '"udp"'), FakeMachine(broken=True))
    assert str(caught.value) == (
        f'{FILE}: listen[0].address: "eth0": the interfaces cannot be listed: no netlink here'
    )
    assert plan(block("127.0.0.1", '"udp"'), FakeMachine(broken=True)).listeners


def test_longRunDirectory() -> None:
    directory = "/" + "d" * 88
    with pytest.raises(ConfigurationError) as caught:
        plan(f'[server]\nrun_directory = "{directory}"\n' + block("127.0.0.1", '"udp"'))
    assert caught.value.key == "server.run_directory"
    assert "allows its path 88 bytes" in caught.value.reason
    assert plan(f'[server]\nrun_directory = "{directory[:88]}"\n' + block("lo", '"udp"')).pools


def test_unreadableFurtherCertificates() -> None:
    machine = FakeMachine(unreadable={"/d.pem": "Permission denied"})
    tls = "tls = { certificate = '/c.pem', certificates = [{ certificate = '/d.pem' }] }"
    with pytest.raises(ConfigurationError) as caught:
        plan(block("127.0.0.1", '"tls"', tls), machine)
    assert str(caught.value) == (
        f"{FILE}: listen[0].tls.certificates[0].certificate: /d.pem cannot be read:"
        " Permission denied"
    )


def test_unreadableFiles() -> None:
    machine = FakeMachine(
        unreadable={"/c.pem": "No such file or directory", "/ca.pem": "Permission denied"}
    )
    text = block(
        "127.0.0.1",
        '"tls"',
        "tls = { certificate = '/c.pem', ca = '/ca.pem' }\n[sip.tls]\nca = '/ca.pem'",
    )
    with pytest.raises(ConfigurationError) as caught:
        plan(text, machine)
    assert str(caught.value).split("\n") == [
        f"{FILE}: listen[0].tls.certificate: /c.pem cannot be read: No such file or directory",
        f"{FILE}: listen[0].tls.ca: /ca.pem cannot be read: Permission denied",
        f"{FILE}: sip.tls.ca: /ca.pem cannot be read: Permission denied",
    ]


def test_exposedSecrets() -> None:
    """A key is in a file of its own, or in that of its certificate, which else is for all."""
    why = "everybody can read it: chmod o= FILE"
    paths = (
        "/state/secret",
        "/state/documents.db",
        "/state/accounts.db",
        "/passwords",
        "/c.pem",
        "/d.pem",
        "/key.pem",
        "/ca.pem",
    )
    machine = FakeMachine(exposed=dict.fromkeys(paths, why))
    text = (
        '[server]\nstate_directory = "/state"\n[accounts]\nchecker = "file:/passwords"\n'
        + block(
            "127.0.0.1",
            '"tls"',
            "tls = { certificate = '/c.pem', private_key = '/key.pem', ca = '/ca.pem',"
            " certificates = [{ certificate = '/d.pem' }] }\n",
        )
    )
    with pytest.raises(ConfigurationError) as caught:
        plan(text, machine)
    assert str(caught.value).split("\n") == [
        f"{FILE}: server.secret_file: /state/secret is no secret: {why}",
        f"{FILE}: server.state_directory: /state/documents.db is no secret: {why}",
        f"{FILE}: accounts.path: /state/accounts.db is no secret: {why}",
        f"{FILE}: accounts.checker: /passwords is no secret: {why}",
        f"{FILE}: listen[0].tls.private_key: /key.pem is no secret: {why}",
        f"{FILE}: listen[0].tls.certificates[0].certificate: /d.pem is no secret: {why}",
    ]


def test_unfitChecker() -> None:
    text = '[accounts]\nchecker = "unix"\n' + block("127.0.0.1", '"udp"')
    assert plan(text).processes > 0
    with pytest.raises(ConfigurationError) as caught:
        plan(text, FakeMachine(unfit={"unix": "it knows no passwords"}))
    assert str(caught.value) == f"{FILE}: accounts.checker: it knows no passwords"
