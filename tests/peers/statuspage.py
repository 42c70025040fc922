"""The status page without a server behind it: it is told what a test wants."""

from __future__ import annotations

import math
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, Self

import msgspec

from sipapp.admin.doctor.finding import Finding
from sipapp.admin.stats.overview import BanView, DoctorView, Overview, PoolView, WorkerView
from tests.support.chromium import Page

START = 1_800_000_000.0

#: For each pool its kind, transport and port, resources, number of workers, and how busy they are.
_POOLS: dict[str, tuple[Any, str, str, int, float]] = {
    "udp-0": ("sip", "udp:192.0.2.1:5060", "options registrar proxy", 4, 0.62),
    "tcp": ("sip", "tcp:192.0.2.1:5060 tls:192.0.2.1:5061", "options registrar proxy", 2, 0.31),
    "udp-1": ("sip", "udp:127.0.0.1:5066", "options", 1, 0.04),
    "http-0": ("web", "https:192.0.2.1:443", "xcap", 2, 0.83),
    "http-1": ("web", "http:127.0.0.1:8088", "status xmlrpc metrics ready", 1, 0.02),
}

FINDING = Finding(
    severity="warning",
    name="listen-backlog",
    current="net.core.somaxconn = 128",
    wanted="at least 1024",
    why="connections that come faster than they are accepted are refused",
    mend="sysctl -w net.core.somaxconn=1024",
)
BANS = [
    BanView(network="203.0.113.66", left=2950.0, reason="scanner"),
    BanView(network="198.51.100.0/24", left=None, reason="by hand"),
]


def madeUp(second: int = 0, **changes: Any) -> Overview:
    """
    @param second: since a beginning; totals grow with it.
    @param changes: attributes of the overview.
    @return: a busy afternoon.
    """
    wave = math.sin(second / 25) + 0.4 * math.sin(second / 7) + 0.2 * math.sin(second * 1.7)
    pools, workers = [], []
    for name, (kind, endpoints, resources, size, busy) in _POOLS.items():
        own = [
            WorkerView(
                name=f"{name}/{slot}",
                pid=4200 + 10 * len(pools) + slot,
                pool=name,
                state="ready",
                restarts=int((name, slot) == ("http-0", 1)),
                answers=True,
                busy=min(1.0, max(0.0, busy + 0.03 * wave + 0.02 * slot)),
                lag=0.001 + busy * 0.004,
                memory=(44 + 9 * slot) << 20,
                connections=0 if "udp" in name else 180 * size + slot,
                transactions=int(busy * 900),
                requests=int(busy * 400 * second),
            )
            for slot in range(size)
        ]
        workers += own
        pools.append(
            PoolView(
                name=name,
                kind=kind,
                endpoints=endpoints.split(),
                resources=resources.split(),
                size=size,
                ready=size,
                busy=sum(each.busy for each in own) / size,
                lag=max(each.lag for each in own),
                requests=sum(each.requests for each in own),
                connections=sum(each.connections for each in own),
                transactions=sum(each.transactions for each in own),
            )
        )
    overview = Overview(
        time=START + second,
        version="0.1.0",
        uptime=793_000.0 + second,
        ready=True,
        generation=3,
        pools=pools,
        workers=workers,
        calls=sum(_events(60, 25, each) for each in range(second)),
        registers=sum(_events(180, 60, each) for each in range(second)),
        registrations=48_211,
        doctor=DoctorView(
            worst="warning",
            summary="31 checks: 1 warning (listen-backlog)",
            findings=[FINDING],
        ),
        bans=BANS,
        banned=len(BANS),
    )
    return msgspec.structs.replace(overview, **changes)


def _events(mean: int, period: int, second: int) -> int:
    """Something between regular and random, and always the same."""
    return int(mean * (1 + 0.25 * math.sin(second / period)) + second * 7919 % 23 - 11)


class PageServer(ThreadingHTTPServer):
    """Serves the page, and tells it what it is given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.events: queue.Queue[bytes | None] = queue.Queue()
        self._thread = threading.Thread(target=self.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def tell(self, overview: Overview) -> None:
        self.events.put(b"event: overview\ndata: %b\n\n" % msgspec.json.encode(overview))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.events.put(None)
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Request(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        name = self.path.removeprefix("/") or "index.html"
        self.send_response(200)
        if name == "events":
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            while (event := self.server.events.get()) is not None:
                self.wfile.write(event)
            return
        kind = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
        self.send_header("Content-Type", kind.get(name.rpartition(".")[2], "image/svg+xml"))
        self.end_headers()
        page = files("sipapp.resources.web.status").joinpath("page", name)
        self.wfile.write(page.read_bytes())

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def picture(page: Page, server: PageServer) -> bytes:
    """
    @return: five minutes of it, as PNG.
    """
    for second in range(300):
        server.tell(madeUp(second))
    page.until("document.querySelector('#server').innerText.includes('9 d')")
    page.until("document.querySelector('#calls .line').getAttribute('d').split('L').length > 290")
    return page.picture()
