"""The command line: C{twistd sipapp}."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.application.service import IService, IServiceMaker, MultiService
from twisted.plugin import getPlugins

from sipapp.config import loadSettings, parseSettings, resolve
from sipapp.ground import Ground
from sipapp.plugins import resourceMakers, resourceTypes
from sipapp.pool import ListenerService, ProcessPool, readBoot
from sipapp.server import Server
from sipapp.tap import Options, makeService
from tests.pool.inmemory import MemoryReactor

BUILT_IN = {
    "health": "web",
    "options": "sip",
    "proxy": "sip",
    "registrar": "sip",
    "replicate": "sip",
}


def twistd(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "sipapp", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
    )


def options(*arguments: str) -> Options:
    parsed = Options()
    parsed.parseOptions(list(arguments))
    parsed.parent = {"logfile": None, "nodaemon": True}
    return parsed


def test_plugin() -> None:
    """Twistd finds us."""
    (maker,) = [each for each in getPlugins(IServiceMaker) if each.tapname == "sipapp"]
    assert (maker.options, maker.makeService) == (Options, makeService)


def test_builtInResources() -> None:
    makers = resourceMakers()
    assert {name: makers[name].kind for name in BUILT_IN} == BUILT_IN
    assert {name: kind for name, (kind, _) in resourceTypes().items() if name in BUILT_IN} == (
        BUILT_IN
    )


def test_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file: the embedded defaults."""
    monkeypatch.chdir(tmp_path)
    service = makeService(options())
    assert IService.providedBy(service)
    assert isinstance(service, Server)
    assert list(tmp_path.iterdir()) == []


SHAPE = """
[server]
domains = ["example.test"]
[pools]
children = 2
tcp_children = 2
[[listen]]
address = "127.0.0.1"
transport = ["udp", "tcp"]
port = 0
[[listen]]
address = "127.0.0.1"
transport = "udp"
port = 0
socket_workers = 3
[[listen]]
address = "127.0.0.1"
transport = "tcp"
port = 0
socket_workers = 1
[[listen]]
address = "127.0.0.1"
transport = "tcp"
port = 0
"""


def services(service: IService) -> Iterator[IService]:
    """A service and all below it."""
    yield service
    if isinstance(service, MultiService):
        for each in service:
            yield from services(each)


def test_shapeOfTheService(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Services all the way down: one for the sockets of each address, and a pool for each endpoint,
    one for all that share it. Each worker is started with the sockets of its slot, and with
    nobody else's to listen at."""
    monkeypatch.chdir(tmp_path)
    reactor = MemoryReactor()
    settings = parseSettings(SHAPE, "sipapp.toml", resourceTypes())
    server = Server(settings, resolve(settings), reactor)
    assert isinstance(server, MultiService)
    server.privilegedStartService()
    below = list(services(server))
    addresses = [each for each in below if isinstance(each, ListenerService)]
    pools = [each for each in below if isinstance(each, ProcessPool)]
    assert [len(each.sockets) for each in addresses] == [2, 2, 3, 1, 2]
    assert {pool.name: pool.size for pool in pools} == {
        "udp-0": 2,
        "tcp": 2,
        "udp-1": 3,
        "tcp-1": 1,
    }
    for pool in pools:
        pool.startService()
    # Where a worker listens, as the parent knows it.
    inherited = {}
    for worker, childFDs in zip(reactor.workers, reactor.childFDs, strict=True):
        boot = readBoot(io.BytesIO(worker.stdin))
        labels = [label for label in boot.fds if label.startswith("listen.")]
        inherited[boot.name] = [childFDs[boot.fds[label]] for label in labels]
    for worker in reactor.workers:
        worker.exit()
    first, shared, own, ownStream, alsoShared = (
        [each.fileno() for each in address.sockets] for address in addresses
    )
    assert inherited == {
        "udp-0/0": [first[0]],
        "udp-0/1": [first[1]],
        "tcp/0": [shared[0], alsoShared[0]],
        "tcp/1": [shared[1], alsoShared[1]],
        "udp-1/0": [own[0]],
        "udp-1/1": [own[1]],
        "udp-1/2": [own[2]],
        "tcp-1/0": [ownStream[0]],
    }
    command = [sys.executable, "-m", "sipapp.worker"]
    assert [each[1:] for each in reactor.commands] == [command] * len(inherited)
    for each in below:
        if isinstance(each, Ground | ListenerService):
            each.stopService()


def test_check(tmp_path: Path) -> None:
    """The plan goes to standard output, and nothing is started."""
    done = twistd("--check", directory=tmp_path)
    assert done.returncode == 0, done.stderr
    heading, *rows = done.stdout.splitlines()
    assert heading.split()[:3] == ["LISTENER", "POOL", "SLOTS"]
    plan = resolve(loadSettings(None, resourceTypes()))
    assert [row.split()[0] for row in rows[:-1]] == [one.name for one in plan.listeners]
    assert rows[-1].endswith("worker processes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--check"], []])
def test_badConfiguration(tmp_path: Path, arguments: list[str]) -> None:
    """File, key and reason on standard error, whether or not it is only checked."""
    file = tmp_path / "bad.toml"
    file.write_text('[[listen]]\naddress = "127.0.0.1"\nsocket_workers = "four"\n')
    done = twistd("--config", str(file), *arguments, directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f'{file}: listen[0].socket_workers: expected int, got "four"\n'
    assert "Traceback" not in done.stdout + done.stderr


def test_missingConfiguration(tmp_path: Path) -> None:
    done = twistd("--config", "nowhere.toml", directory=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("nowhere.toml: ")
