"""L{Demand}: what a configuration comes to."""

from __future__ import annotations

import pytest

from tests.admin.doctor.surroundings import demand

SERVER = """
[pools]
tcp_children = 4
{}
[[listen]]
address = "127.0.0.1"
transport = "tcp"
limits = {{connections = 1000}}
[[listen]]
address = "127.0.0.1"
transport = "http"
port = 8080
resources = ["health"]
limits = {{connections = 50}}
"""


@pytest.mark.parametrize(
    ("together", "connections"),
    [("", 4050), ("tcp_max_connections = 100000", 4050), ("tcp_max_connections = 802", 850)],
)
def test_connections(together: str, connections: int) -> None:
    """Each worker has its share of those that the whole server may have."""
    assert demand(SERVER.format(together)).connections == connections
