"""What is read of a machine."""

from __future__ import annotations

from pathlib import Path

from sipapp.admin.doctor.host import UNLIMITED, Host
from tests.admin.doctor.surroundings import LIMITS, build, host


def test_thisMachine() -> None:
    """Whatever machine that is, what every Linux has is found."""
    here = Host()
    assert here.release > (3, 0)
    assert (here.number("fs.nr_open") or 0) > 1000
    assert (here.limit("Max open files") or 0) > 10
    assert (here.memory or 0) > 1 << 20
    assert (here.cores or 0) > 0
    assert "used" in here.socketCounters()["sockets"]
    assert "drops" in {name for row in here.sockets("udp") for name in row} | {"drops"}
    assert here.unseen == []


def test_missing(tmp_path: Path) -> None:
    """What is not there is nothing, and settings that were asked for are remembered."""
    nowhere = host(tmp_path)
    assert nowhere.release == (0, 0)
    assert nowhere.numbers("net.core.rmem_max") is None
    assert nowhere.unseen == ["net.core.rmem_max"]
    assert nowhere.limit("Max open files") is None
    assert not nowhere.mayUse(12)
    assert nowhere.controlGroupLimit("memory", "memory.max", "memory.limit_in_bytes") is None
    assert nowhere.memory is None
    assert nowhere.cores is None
    assert nowhere.counters("/proc/net/netstat") == {}
    assert nowhere.socketCounters() == {}
    assert list(nowhere.sockets("udp")) == []
    assert nowhere.processSockets(1) == frozenset()
    assert list(nowhere.assignments()) == []


def test_limits(tmp_path: Path) -> None:
    machine = host(build(tmp_path, {"/proc/self/limits": LIMITS.format("unlimited")}))
    assert machine.limit("Max open files") == UNLIMITED
    assert machine.limit("Max open doors") is None


def test_anotherProcess(tmp_path: Path) -> None:
    root = build(tmp_path, {"/proc/99/limits": LIMITS.format(77)})
    assert host(root, 99).limit("Max open files") == 77


def test_counters(tmp_path: Path) -> None:
    """By name, wherever a kernel puts them."""
    text = "TcpExt: A B\nTcpExt: 1 2\nIpExt: B C\nIpExt: 3 4\nTcpExt: D\nMore: 5\n"
    machine = host(build(tmp_path, {"/proc/net/netstat": text}))
    assert machine.counters("/proc/net/netstat") == {
        "TcpExt": {"A": 1, "B": 2},
        "IpExt": {"B": 3, "C": 4},
    }


def test_sockets(tmp_path: Path) -> None:
    machine = host(build(tmp_path))
    row = next(machine.sockets("udp"))
    assert row["local_address"] == "010200C0:13C4"
    assert row["tx_queue:rx_queue"] == "00000000:00000000"
    assert (row["inode"], row["drops"]) == ("1", "0")


def test_assignments(tmp_path: Path) -> None:
    """In every file once, though Debian links to one of them, and only in those that count."""
    root = build(
        tmp_path,
        {
            "/etc/sysctl.conf": "# a.b = 1\n; c.d = 1\n\n  -e.f=2\ng/h  =  3 4 \nnothing\n",
            "/usr/lib/sysctl.d/10-x.conf": "i.j = 5\n",
            "/etc/sysctl.d/README": "k.l = 6\n",
            "/run/sysctl.d/20-y.conf": "m.n = 7\n",
            "/usr/local/lib/sysctl.d/20-y.conf": "m.n = 8\n",
        },
    )
    (root / "etc/sysctl.d/99-sysctl.conf").symlink_to("../sysctl.conf")
    assert list(host(root).assignments()) == [
        ("/etc/sysctl.conf", "e.f", "2"),
        ("/etc/sysctl.conf", "g/h", "3 4"),
        ("/run/sysctl.d/20-y.conf", "m.n", "7"),
        ("/usr/lib/sysctl.d/10-x.conf", "i.j", "5"),
    ]
