"""The example of a provider of call records in a package of its own: installed beside sipapp."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.sipclient import UDPSocket

PACKAGE = Path(__file__).parents[2] / "docs" / "examples" / "callpost"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the package: nothing but what its setup.cfg names."""
    source = tmp_path_factory.mktemp("source") / "callpost"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--target", str(target), str(source)], check=True)
    return target


class Accounting(HTTPServer):
    """A web server that takes call records; the first time it is out of order.

    @ivar bodies: what has come.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.bodies: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/calls"


class _Post(BaseHTTPRequestHandler):
    server: Accounting

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(json.loads(body))
        self.send_response(204 if len(self.server.bodies) > 1 else 503)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def accounting() -> Iterator[Accounting]:
    with Accounting() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_installed(
    installed: Path,
    accounting: Accounting,
    configuration: Configuration,
    startServer: ServerStarter,
) -> None:
    configuration.table("call_records", providers=["callpost"])
    configuration.table("resource.callpost", url=accounting.url)
    configuration.listen("udp")
    server = startServer(configuration, environment={"PYTHONPATH": str(installed)})
    with UDPSocket(server.endpoint("udp").address) as client:
        assert client.ask("INVITE", f"sip:nobody@{DOMAIN}").status == 480
    waitFor(lambda: len(accounting.bodies) > 1, "records that are sent again")
    first, second = accounting.bodies
    assert first == second
    assert [record["status"] for record in first] == [480]
    server.stop()
