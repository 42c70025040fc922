"""Tests of C{sipapp.config.load}: what is read, and what is said about what cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipapp.config import (
    AccountsSettings,
    ConfigurationError,
    ServerSettings,
    Settings,
    decodeSettings,
    encodeSettings,
    loadSettings,
    loadTables,
    resolve,
)
from tests.config.surroundings import (
    FILE,
    RESOURCE_TYPES,
    FakeMachine,
    Plain,
    Proxy,
    Replicate,
    Weight,
    parse,
)

UDP = '[[listen]]\naddress = "127.0.0.1"\n'


def complaints(text: str) -> list[str]:
    """The lines of the error that a file causes, without the file's name."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    lines = str(caught.value).split("\n")
    assert all(line.startswith(f"{FILE}: ") for line in lines)
    return [line.removeprefix(f"{FILE}: ") for line in lines]


def test_tablesBecomeSettings() -> None:
    settings = parse(
        """
        [server]
        domains = ["Example.com"]
        drain_timeout = 3

        [pools]
        children = 3
        tcp_children = 5

        [[listen]]
        address = ["127.0.0.1", "::1"]
        transport = "tls"
        socket_workers = 2
        advertise = "sip.example.com:5091"
        tls = { certificate = "/c.pem", verify_client = "optional", ca = "/ca.pem" }

        [listen.limits]
        head_size = 1024

        [resource.proxy]
        record_route = false
        timer_c = 200
        weights = [{ peer = "a", value = 2 }, { peer = "b" }]

        [location]
        map_size = 2097152

        [sip]
        udp_mtu = 1400
        dns.negative_ttl = 5

        [log]
        format = "json"
        """
    )
    assert settings.file == FILE
    assert settings.server.domains == ("example.com",)
    assert settings.server.drainTimeout == 3.0
    assert (settings.pools.children, settings.pools.tcpChildren) == (3, 5)
    (listen,) = settings.listen
    assert listen.addresses == ("127.0.0.1", "::1")
    assert listen.transports == ("tls",)
    assert listen.socketWorkers == 2
    assert listen.advertise == "sip.example.com:5091"
    assert listen.tls is not None
    assert listen.tls.verifyClient == "optional"
    assert listen.bounds.headSize == 1024
    assert settings.resource["proxy"] == Proxy(
        recordRoute=False, timerC=200.0, weights=(Weight(peer="a", value=2), Weight(peer="b"))
    )
    assert settings.location.mapSize == 2 << 20
    assert settings.sip.udpMTU == 1400
    assert settings.sip.dns.negativeTTL == 5.0
    assert settings.log.format == "json"


def test_usedResourcesAlwaysHaveSettings() -> None:
    assert parse(UDP).resource == {"options": Plain(), "registrar": Plain(), "proxy": Proxy()}


def test_workersReceiveTheSameSettings() -> None:
    settings = parse(
        f"{UDP}resources = ['replicate', 'proxy']\n[resource.replicate]\npeers = ['sip:p']\n"
        "[resource.proxy]\nweights = [{peer = 'a'}]\n"
    )
    decoded = decodeSettings(encodeSettings(settings), RESOURCE_TYPES)
    assert decoded == settings
    assert decoded.resource["replicate"] == Replicate(peers=("sip:p",))


def test_settingsOfEarlierCode() -> None:
    """What has been told with it is read without those that are no more, in any table."""
    settings = parse(f"{UDP}resources = ['replicate']\n[resource.replicate]\npeers = ['sip:p']\n")
    told = encodeSettings(settings)
    for key in (b'"peers"', b'"run_directory"', b'"address"'):
        assert key in told
        told = told.replace(key, b'"gone":{"x":[1]},' + key)
    assert decodeSettings(told, RESOURCE_TYPES) == settings


def test_embeddedDefaultsRunUnprivilegedOnLoopback() -> None:
    settings = loadSettings(None, RESOURCE_TYPES)
    plan = resolve(settings, FakeMachine())
    assert [listener.name for listener in plan.listeners] == [
        "udp:127.0.0.1:5060",
        "tcp:127.0.0.1:5060",
    ]
    assert settings.server.domains == ("localhost", "127.0.0.1")
    assert settings.server.user is None
    assert settings.server.runDirectory == os.path.abspath("run")


# Each line: what is wrong with the file, and the whole of what is said about it.
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            f'{UDP}{UDP}{UDP}socket_workers = "four"',
            'listen[2].socket_workers: expected int, got "four"',
        ),
        (
            f"{UDP}socket_wrokers = 4",
            "listen[0].socket_wrokers: unknown key; did you mean socket_workers?",
        ),
        (f"{UDP}qqq = 4", "listen[0].qqq: unknown key"),
        (f"{UDP}socket_workers = 0", "listen[0].socket_workers: expected int >= 1, got 0"),
        (f"{UDP}socket_workers = 999", "listen[0].socket_workers: expected int <= 256, got 999"),
        (f"{UDP}socket_workers = true", "listen[0].socket_workers: expected int, got true"),
        (f"{UDP}socket_workers = 4.0", "listen[0].socket_workers: expected int, got 4.0"),
        (
            f"{UDP}socket_workers = 2026-11-01",
            "listen[0].socket_workers: expected int, got 2026-11-01",
        ),
        (f"{UDP}port = 65536", "listen[0].port: expected int <= 65535, got 65536"),
        (f"{UDP}transport = 3", "listen[0].transport: expected str or array, got 3"),
        (f"{UDP}transport = ['udp', 3]", "listen[0].transport[1]: expected str, got 3"),
        (f"{UDP}resources = 'proxy'", 'listen[0].resources: expected array, got "proxy"'),
        (f"{UDP}resources = [{{a = 1}}]", "listen[0].resources[0]: expected str, got {a = 1}"),
        (f"{UDP}tls = true", "listen[0].tls: expected a table, got true"),
        (f"{UDP}limits.connections = []", "listen[0].limits.connections: expected int, got []"),
        ("[[listen]]", "listen[0].address: missing"),
        ("[[listen]]\naddress = ''", 'listen[0].address: expected str of length >= 1, got ""'),
        ("[listen]\nport = 1", "listen: expected tables, [[listen]], got {port = 1}"),
        (
            '[server]\nrun_directory = "a\\u0000b"',
            "server: run_directory: a path cannot hold a NUL",
        ),
        ("server = 3", "server: expected a table, got 3"),
        ("[sip]\nt1 = nan", "sip.t1: expected number >= 0.01, got nan"),
        ("[sip]\nt1 = inf", "sip.t1: expected number <= 60.0, got inf"),
        ("[sip]\nt1 = 'a'", 'sip.t1: expected number, got "a"'),
        (
            "[location]\nstore = 'redis'",
            'location.store: expected one of "lmdb", "memory", got "redis"',
        ),
        (f"{UDP}[locaton]", "locaton: unknown key; did you mean location?"),
        (
            f"{UDP}[resource.registar]",
            "resource.registar: no plugin provides this resource; did you mean registrar?",
        ),
        (f"resource = 3\n{UDP}", "resource: expected tables, [resource.NAME], got 3"),
        (f"{UDP}[resource]\nproxy = 3", "resource.proxy: expected a table, got 3"),
        (
            f"{UDP}[resource.proxy]\nrecord_rute = true",
            "resource.proxy.record_rute: unknown key; did you mean record_route?",
        ),
        (
            f"{UDP}[resource.proxy]\nstatus = 400",
            "resource.proxy.status: expected one of 404, 480, got 400",
        ),
        (f"{UDP}[resource.proxy]\nnames.a = 'x'", 'resource.proxy.names.a: expected int, got "x"'),
        (
            f"{UDP}[resource.proxy]\nweights = 3",
            "resource.proxy.weights: expected tables, [[resource.proxy.weights]], got 3",
        ),
        (f"{UDP}[resource.proxy]\nnames = 3", "resource.proxy.names: expected a table, got 3"),
        (
            f"{UDP}[[resource.proxy.weights]]\nvalue = 1",
            "resource.proxy.weights[0].peer: missing",
        ),
        (
            f"{UDP}[resource.proxy]\ntrusted = ['everybody']",
            "resource.proxy: nobody trusts everybody",
        ),
        (f"{UDP}resources = ['replicate']", "resource.replicate.peers: missing"),
        ("", "listen: a server needs at least one [[listen]] block"),
        ("a b", "line 1, column 3: Expected '=' after a key in a key/value pair"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("\n\na = [1", "end of document: Unclosed array"),
        (f"{UDP}port = 1\nport = 2\n", "line 4, column 9: Cannot overwrite a value"),
    ],
)
def test_complaint(text: str, complaint: str) -> None:
    assert complaints(text) == [complaint]


# A key that stands before the first table, or in the wrong one, is never taken for nothing.
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"socket_workers = 4\n{UDP}", "socket_workers: unknown key; it belongs in [[listen]]"),
        (
            f"{UDP}[pools]\nsocket_workers = 4",
            "pools.socket_workers: unknown key; it belongs in [[listen]]",
        ),
        (
            f"{UDP}[listen.limits]\nsocket_workers = 4",
            "listen[0].limits.socket_workers: unknown key; it belongs in [[listen]]",
        ),
        (f"{UDP}children = 4", "listen[0].children: unknown key; it belongs in [pools]"),
        (
            f"{UDP}certificate = 'c'",
            "listen[0].certificate: unknown key; it belongs in [listen.tls]",
        ),
    ],
)
def test_keyInTheWrongTable(text: str, complaint: str) -> None:
    assert complaints(text) == [complaint]


def test_everyProblemIsReported() -> None:
    assert complaints(
        """
        stray = 1
        [pools]
        children = 0
        [[listen]]
        adress = "lo"
        [[listen]]
        address = "lo"
        port = "x"
        [resource.nothing]
        """
    ) == [
        "stray: unknown key",
        "pools.children: expected int >= 1, got 0",
        "listen[0].adress: unknown key; did you mean address?",
        "listen[0].address: missing",
        'listen[1].port: expected int, got "x"',
        "resource.nothing: no plugin provides this resource",
    ]


def test_partsOfTheError() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse("[pools]\nchildren = 0\nchildern = 1\n")
    error = caught.value
    assert (error.file, error.key) == (FILE, "pools.children")
    assert error.reason == "expected int >= 1, got 0"
    assert [other.key for other in error.others] == ["pools.childern"]


def test_longValuesAreShortened() -> None:
    (complaint,) = complaints(f"{UDP}port = '{'x' * 500}'")
    assert complaint.endswith("x...")
    assert len(complaint) < 120


def test_controlCharactersAreEscaped() -> None:
    (complaint,) = complaints(UDP + 'port = "\\u001b[2J\\u009bé"')
    assert complaint.endswith('got "\\u001b[2J\\u009bé"')


def test_readsFiles(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(UDP)
    assert loadSettings(file, RESOURCE_TYPES).file == str(file)


def test_missingFile(tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    with pytest.raises(ConfigurationError) as caught:
        loadSettings(file, RESOURCE_TYPES)
    assert str(caught.value) == f"{file}: cannot be read: No such file or directory"


def test_unreadableFile(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loadSettings(tmp_path, RESOURCE_TYPES)
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_fileThatIsNotText(tmp_path: Path) -> None:
    file = tmp_path / "latin1.toml"
    file.write_bytes(b"[server]\n# caf\xe9\n")
    with pytest.raises(ConfigurationError) as caught:
        loadSettings(file, RESOURCE_TYPES)
    assert str(caught.value) == f"{file}: line 2: not UTF-8"


def test_tables(tmp_path: Path) -> None:
    """Some tables, whatever is in the others."""
    file = tmp_path / "sipapp.toml"
    file.write_text(
        '[server]\nname = "One"\n[accounts]\npath = "/a.db"\n[sip]\nt1 = "no"\n[unknown]\n'
    )
    settings = loadTables(file, "server", "accounts", "location")
    assert settings == Settings(
        file=str(file),
        server=ServerSettings(name="One"),
        accounts=AccountsSettings(path="/a.db"),
    )
    with pytest.raises(ConfigurationError, match=r"sip\.t1: expected "):
        loadTables(file, "sip")


def test_tablesOfNoFile() -> None:
    assert loadTables(None, "server").server == loadSettings(None, RESOURCE_TYPES).server
