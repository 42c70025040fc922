"""Tests of C{sipapp.config.describe}."""

from __future__ import annotations

from textwrap import dedent

from sipapp.config import describePlan
from tests.config.surroundings import plan

TEXT = """
[pools]
children = 2
tcp_children = 3
[[listen]]
address = "eth0"
socket_workers = 4
resources = ["options", "proxy"]
[[listen]]
address = ["127.0.0.1", "::1"]
transport = "tcp"
port = 15060
resources = ["proxy"]
[[listen]]
address = "127.0.0.1"
transport = "http"
port = 80
resources = ["health"]
"""


def test_eachListenerWithPoolAndSlots() -> None:
    assert describePlan(plan(TEXT)) == dedent(
        """\
        LISTENER                POOL          SLOTS  SIZE FROM                 RESOURCES
        udp:192.0.2.1:5060      udp-0         4      listen[0].socket_workers  options proxy
        tcp:192.0.2.1:5060      tcp-0         4      listen[0].socket_workers  options proxy
        udp:[2001:db8::1]:5060  udp-1         4      listen[0].socket_workers  options proxy
        tcp:[2001:db8::1]:5060  tcp-1         4      listen[0].socket_workers  options proxy
        tcp:127.0.0.1:15060     tcp (shared)  3      pools.tcp_children        proxy
        tcp:[::1]:15060         tcp (shared)  3      pools.tcp_children        proxy
        http:127.0.0.1:80       http-0        1      one for HTTP              health
        7 listeners, 6 pools, 20 worker processes
        """
    )


def test_withWorkers() -> None:
    text = '[[listen]]\naddress = "127.0.0.1"\nsocket_workers = 1\ntransport = "udp"\n'
    assert describePlan(plan(text), {"udp-0": [4711]}) == dedent(
        """\
        LISTENER            POOL   SLOTS  SIZE FROM                 RESOURCES                WORKERS
        udp:127.0.0.1:5060  udp-0  1      listen[0].socket_workers  options registrar proxy  4711
        1 listener, 1 pool, 1 worker process
        """
    )


def test_poolThatDoesNotRunYet() -> None:
    assert "4711" in describePlan(plan(TEXT), {"udp-0": [4711, 4712]})
