"""The line about reloads that cannot be: nobody notices, and the log names the cause."""

from __future__ import annotations

import copy
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.resilience.load import Load
from bench.resilience.outcome import Outcome
from bench.resilience.stage import Ended, checkRuns, makeConfiguration, running
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.server import Server

_PLUGINS = Path(__file__).with_name("broken")
#: Seconds until the log has to name the cause.
_PATIENCE = 15.0

#: Makes the configuration bad and writes it; gives what the log then has to say.
Mistake = Callable[[Configuration], list[str]]


def badReloads(directory: Path, rate: int, seconds: float) -> Outcome:
    """A reload for each mistake, under calls."""
    configuration = makeConfiguration(directory)
    configuration.listen("udp", workers=2)
    path = os.pathsep.join(filter(None, (str(_PLUGINS), os.environ.get("PYTHONPATH"))))
    with _portInUse() as port, running(configuration, {"PYTHONPATH": path}) as server:
        mistakes: dict[str, Mistake] = {
            "a broken file": _brokenFile,
            "a missing certificate": _missingCertificate,
            "a port in use": lambda bad: _listenAt(bad, port),
            "a resource that raises": _resourceThatRaises,
        }
        load = Load(configuration.directory, server.endpoint("udp"), rate, seconds)
        problems = []
        try:
            for name, mistake in mistakes.items():
                problems += [f"{name}: {problem}" for problem in _try(server, mistake)]
        except Ended as error:
            load.end()
            return Outcome(faults=[*problems, str(error)])
        outcome = load.finish()
        outcome.faults += problems
        return outcome


def _try(server: Server, mistake: Mistake) -> Iterator[str]:
    """Reload with a mistake.

    @return: what was wrong with that.
    """
    good = server.configuration
    before = set(server.children())
    seen = len(server.output())
    # The directories are the same, so it replaces the file of the good one.
    wanted = mistake(copy.deepcopy(good))
    server.program.signal(signal.SIGHUP)

    def named() -> bool:
        checkRuns(server)
        said = server.output()[seen:]
        return all(word in said for word in wanted)

    try:
        waitFor(named, f"a log that says {' and '.join(map(repr, wanted))}", _PATIENCE)
    except TimeoutError as error:
        yield str(error)
    finally:
        good.write()

    def unchanged() -> bool:
        checkRuns(server)
        return set(server.children()) == before

    try:
        # Workers that have been tried for the reload are still on their way out.
        waitFor(unchanged, "the same children as before", _PATIENCE)
    except TimeoutError as error:
        yield str(error)


def _brokenFile(bad: Configuration) -> list[str]:
    file = bad.write()
    file.write_text(f"{file.read_text()}\n[server\n")
    return [str(file)]


def _missingCertificate(bad: Configuration) -> list[str]:
    bad.certificate = bad.directory / "missing.pem"
    bad.listen("tls")
    bad.write()
    return [str(bad.certificate)]


def _listenAt(bad: Configuration, port: int) -> list[str]:
    bad.listen("tcp", port=port)
    bad.write()
    return [str(port), "in use"]


def _resourceThatRaises(bad: Configuration) -> list[str]:
    bad.blocks[0]["resources"] = ["broken", "options", "registrar", "proxy"]
    bad.write()
    return ["this resource never starts"]


@contextmanager
def _portInUse() -> Iterator[int]:
    with socket.socket() as sock:
        port = freePort()
        sock.bind(("127.0.0.1", port))
        sock.listen()
        yield port
