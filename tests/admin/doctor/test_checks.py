"""Each check: on a machine where all is well, and on one where its matter is not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from sipapp.admin.doctor.checks import CHECKS, LIVE_CHECKS
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import SEVERITIES, Finding
from sipapp.config import parseSettings, resolve
from tests.admin.doctor.surroundings import (
    CLOSE_WAIT,
    LIMITS,
    PID,
    SERVER,
    STATUS,
    TCP,
    UDP,
    build,
    demand,
    host,
)
from tests.config.surroundings import FakeMachine
from tests.config.test_reference import builtinTypes

ALL = {**CHECKS, **LIVE_CHECKS}

NET = "/proc/sys/net"
NETSTAT = "TcpExt: ListenDrops SyncookiesSent TCPTimeWaitOverflow ListenOverflows\nTcpExt: {}\n"
SOCKSTAT = "/proc/net/sockstat"
GROUP = "/sys/fs/cgroup/system.slice/sipapp.service"
V6 = "B80D0120" + "0" * 16 + "01000000"
"""2001:db8::1, as a machine writes it that begins with the last byte."""
OPEN = SERVER + "[listen.limits]\nconnections = 200000\n"
"""Four workers that may have 200,000 connections each."""


class Case(NamedTuple):
    """
    @ivar changes: files that make a machine bad.
    @ivar parts: texts in what is current, wanted, why and in the line that mends it.
    @ivar text: the configuration.
    """

    name: str
    severity: str
    changes: Mapping[str, str | None]
    parts: tuple[str, ...]
    text: str = SERVER


CASES = (
    Case(
        "open-files",
        "warning",
        {"/proc/self/limits": LIMITS.format(1024)},
        ("1024 in each", "at least 8256", "LimitNOFILE=8256", "ulimit -n 8256"),
    ),
    Case("open-files", "error", {"/proc/self/limits": LIMITS.format(64)}, ("the parent",)),
    Case(
        "open-files-ceiling",
        "warning",
        {"/proc/sys/fs/nr_open": "4096\n"},
        ("fs.nr_open = 4096", "sysctl -w fs.nr_open=8256"),
    ),
    Case(
        "all-files",
        "warning",
        {"/proc/sys/fs/file-max": "40000\n"},
        ("fs.file-max = 40000", "49864", "sysctl -w fs.file-max=49864"),
    ),
    Case(
        "epoll-watches",
        "warning",
        {"/proc/sys/fs/epoll/max_user_watches": "40000\n"},
        ("sysctl -w fs.epoll.max_user_watches=49864",),
    ),
    Case(
        "file-handles",
        "warning",
        {"/proc/sys/fs/file-nr": "850 0 1000\n"},
        ("850 of 1000", "sysctl -w fs.file-max=2000"),
    ),
    Case("file-handles", "error", {"/proc/sys/fs/file-nr": "950 0 1000\n"}, ("950 of 1000",)),
    Case(
        "accept-queue",
        "warning",
        {f"{NET}/core/somaxconn": "128\n"},
        ("net.core.somaxconn = 128", "4096", "sysctl -w net.core.somaxconn=4096"),
    ),
    Case(
        "syn-cookies",
        "warning",
        {f"{NET}/ipv4/tcp_syncookies": "0\n", f"{NET}/ipv4/tcp_max_syn_backlog": "8192\n"},
        ("a flood of SYN", "sysctl -w net.ipv4.tcp_syncookies=1"),
    ),
    Case("syn-cookies", "warning", {f"{NET}/ipv4/tcp_syncookies": "2\n"}, ("for tests",)),
    Case(
        "accept-overflows",
        "warning",
        {"/proc/net/netstat": NETSTAT.format("90 0 0 90")},
        ("ListenOverflows = 90",),
    ),
    Case(
        "accept-overflows",
        "note",
        {"/proc/net/netstat": NETSTAT.format("7 0 0 7")},
        ("ListenOverflows = 7",),
    ),
    Case(
        "accept-drops",
        "warning",
        {"/proc/net/netstat": NETSTAT.format("90 0 0 0")},
        ("90 for other reasons",),
    ),
    Case(
        "syn-cookies-sent",
        "warning",
        {"/proc/net/netstat": NETSTAT.format("0 90 0 0")},
        ("SyncookiesSent = 90",),
    ),
    Case(
        "tcp-timestamps",
        "warning",
        {f"{NET}/ipv4/tcp_timestamps": "0\n"},
        ("sysctl -w net.ipv4.tcp_timestamps=1",),
    ),
    Case(
        "time-wait-reuse",
        "note",
        {f"{NET}/ipv4/tcp_tw_reuse": "0\n"},
        ("sysctl -w net.ipv4.tcp_tw_reuse=1",),
    ),
    Case(
        "time-wait-buckets",
        "warning",
        {f"{NET}/ipv4/tcp_max_tw_buckets": "4096\n"},
        ("sysctl -w net.ipv4.tcp_max_tw_buckets=16384",),
    ),
    Case(
        "orphan-limit",
        "warning",
        {f"{NET}/ipv4/tcp_max_orphans": "4096\n"},
        ("sysctl -w net.ipv4.tcp_max_orphans=16384",),
    ),
    Case(
        "time-wait",
        "warning",
        {SOCKSTAT: "TCP: inuse 1 orphan 0 tw 60000 alloc 1 mem 3\n"},
        ("60000 of 65536", "sysctl -w net.ipv4.tcp_max_tw_buckets=131072"),
    ),
    Case(
        "orphans",
        "warning",
        {SOCKSTAT: "TCP: tw 0 orphan 60000\n"},
        ("60000 of 65536", "sysctl -w net.ipv4.tcp_max_orphans=131072"),
    ),
    Case(
        "time-wait-overflow",
        "warning",
        {"/proc/net/netstat": NETSTAT.format("0 0 5 0")},
        ("TCPTimeWaitOverflow = 5", "65536", "sysctl -w net.ipv4.tcp_max_tw_buckets=131072"),
    ),
    Case(
        "port-range",
        "note",
        {f"{NET}/ipv4/ip_local_port_range": "32768\t60999\n"},
        ("28232 ports", "32768 ports", 'sysctl -w net.ipv4.ip_local_port_range="10240 65535"'),
    ),
    Case(
        "reserved-ports",
        "warning",
        {
            f"{NET}/ipv4/ip_local_port_range": "4096\t65534\n",
            f"{NET}/ipv4/ip_local_reserved_ports": "5070-5080\n",
        },
        ("5060 in the range", "sysctl -w net.ipv4.ip_local_reserved_ports=5070-5080,5060"),
    ),
    Case(
        "receive-buffer",
        "warning",
        {f"{NET}/core/rmem_max": "212992\n"},
        ("net.core.rmem_max = 212992", "sysctl -w net.core.rmem_max=4194304"),
    ),
    Case(
        "receive-buffer",
        "note",
        {f"{NET}/core/rmem_max": "212992\n", "/proc/self/status": STATUS.format(1 << 12)},
        ("those that it binds at its start",),
    ),
    Case(
        "send-buffer",
        "warning",
        {f"{NET}/core/wmem_max": "212992\n"},
        ("sysctl -w net.core.wmem_max=4194304",),
    ),
    Case(
        "inbox-queue",
        "warning",
        {f"{NET}/unix/max_dgram_qlen": "10\n"},
        ("sysctl -w net.unix.max_dgram_qlen=512",),
    ),
    Case(
        "udp-memory",
        "warning",
        {f"{NET}/ipv4/udp_mem": "1000\t2000\t3000\n"},
        ("1000 2000 3000 pages", "8192", 'sysctl -w net.ipv4.udp_mem="4096 6144 8192"'),
    ),
    Case(
        "tcp-memory",
        "warning",
        {f"{NET}/ipv4/tcp_mem": "10000\t20000\t30000\n"},
        ("49152 connections", 'sysctl -w net.ipv4.tcp_mem="73728 98304 147456"'),
    ),
    Case(
        "udp-memory-used",
        "warning",
        {SOCKSTAT: "UDP: inuse 1 mem 170000\n"},
        ("170000 of 180000", "ss -ump", 'net.ipv4.udp_mem="180000 240000 360000"'),
    ),
    Case(
        "tcp-memory-used",
        "warning",
        {SOCKSTAT: "TCP: inuse 1 orphan 0 tw 0 mem 119000\n"},
        ("119000 of 120000", "ss -tmp"),
    ),
    Case(
        "udp-drops",
        "warning",
        {"/proc/net/udp": UDP.format(5, 2)},
        ("7 datagrams for udp:192.0.2.1:5060 dropped", "socket_workers"),
    ),
    Case(
        "udp-drops",
        "warning",
        {"/proc/net/udp6": UDP.format(5, 2).replace("010200C0", V6)},
        ("7 datagrams for udp:[2001:db8::1]:5060 dropped",),
        SERVER.replace("192.0.2.1", "2001:db8::1"),
    ),
    Case(
        "packet-queue",
        "warning",
        {f"{NET}/core/netdev_max_backlog": "300\n"},
        ("sysctl -w net.core.netdev_max_backlog=1000",),
    ),
    Case(
        "steering-window",
        "warning",
        {f"{NET}/core/optmem_max": "20480\n"},
        ("250 bytes", "sysctl -w net.core.optmem_max=131072"),
    ),
    Case(
        "connection-tracking",
        "note",
        {f"{NET}/netfilter/nf_conntrack_count": "70\n"},
        ("70 entries", "meta l4proto { tcp, udp } th dport { 5060 } notrack", "th sport"),
    ),
    Case(
        "connection-tracking-table",
        "warning",
        {
            f"{NET}/netfilter/nf_conntrack_max": "32768\n",
            f"{NET}/netfilter/nf_conntrack_count": "70\n",
        },
        ("sysctl -w net.netfilter.nf_conntrack_max=49152",),
    ),
    Case(
        "connection-tracking-full",
        "warning",
        {f"{NET}/netfilter/nf_conntrack_count": "200000\n"},
        ("200000 of 262144", "sysctl -w net.netfilter.nf_conntrack_max=524288"),
    ),
    Case(
        "connection-tracking-full",
        "error",
        {f"{NET}/netfilter/nf_conntrack_count": "262144\n"},
        ("262144 of 262144",),
    ),
    Case(
        "packet-drops",
        "warning",
        {"/proc/net/softnet_stat": "0000ff00 00000009 00000038\n000000ff 00000001 00000038\n"},
        ("10 of 65535", "sysctl -w net.core.netdev_max_backlog=2000"),
    ),
    Case(
        "packet-drops",
        "note",
        {"/proc/net/softnet_stat": "10000000 00000009 00000038\n"},
        ("9 of 268435456",),
    ),
    Case(
        "memory",
        "warning",
        {f"{GROUP}/memory.max": str(400 << 20)},
        ("400 MiB for 8 workers", "MemoryMax=680M"),
    ),
    Case(
        "memory",
        "error",
        {"/sys/fs/cgroup/system.slice/memory.max": str(200 << 20)},
        ("200 MiB", "kills the workers"),
    ),
    Case(
        "memory",
        "error",
        {"/proc/meminfo": "MemTotal:         204800 kB\n"},
        ("200 MiB", "fewer workers: [pools] children"),
    ),
    Case(
        "memory",
        "error",
        {
            "/proc/self/cgroup": "4:memory:/a\n",
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9",
        },
        ("0 MiB",),
    ),
    Case(
        "memory",
        "warning",
        {},
        ("4096 MiB for 8 workers", "4456 MiB"),
        SERVER.replace("[pools]", "[pools]\nmemory_limit = 512"),
    ),
    Case("tasks", "warning", {f"{GROUP}/pids.max": "100\n"}, ("100", "187", "TasksMax=187")),
    Case(
        "pool-connections",
        "warning",
        {
            f"{NET}/ipv4/tcp_max_tw_buckets": "600000\n",
            f"{NET}/ipv4/tcp_max_orphans": "600000\n",
            f"{NET}/ipv4/tcp_mem": "9000000\t9000000\t9000000\n",
        },
        ("tcp: 2 of 4 CPUs, 200000", "[pools] tcp_children = 4"),
        OPEN.replace("[pools]", "[pools]\ntcp_children = 2"),
    ),
    Case(
        "pool-cores",
        "note",
        {"/proc/self/status": STATUS.format(0).replace("0-1,4-5", "3")},
        ("8 workers on 1 CPUs",),
    ),
    Case(
        "removed-settings",
        "note",
        {"/etc/sysctl.conf": "net.ipv4.tcp_tw_recycle = 1\n"},
        ("tcp_tw_recycle = 1", "4.12", "/etc/sysctl.conf"),
    ),
    Case(
        "removed-settings",
        "note",
        {"/etc/sysctl.d/90-old.conf": "-net/ipv4/route/max_size=8192\n"},
        ("net.ipv4.route.max_size = 8192", "3.6", "90-old.conf"),
    ),
    Case(
        "removed-settings",
        "note",
        {"/etc/sysctl.d/90-old.conf": "; old\nfs.epoll.max_user_instances = 1024\n"},
        ("fs.epoll.max_user_instances", "2.6.29"),
    ),
)


def found(root: Path, text: str = SERVER, name: str | None = None) -> list[Finding]:
    """What the checks find, all of them or one."""
    checks = ALL.values() if name is None else [ALL[name]]
    asked = demand(text, {"tcp/0": PID})
    machine = host(root)
    return [finding for check in checks for finding in check(machine, asked)]


def test_nothingIsWrong(tmp_path: Path) -> None:
    assert found(build(tmp_path)) == []


def test_nothingIsSaidOfWhatCannotBeSeen(tmp_path: Path) -> None:
    machine = host(tmp_path)
    for check in ALL.values():
        assert list(check(machine, demand())) == []
    assert "net.core.somaxconn" in machine.unseen


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.severity}")
def test_found(tmp_path: Path, case: Case) -> None:
    """One finding, under the name of the check, with everything that an operator needs."""
    root = build(tmp_path, case.changes)
    findings = found(root, case.text, case.name)
    assert {(each.name, each.severity) for each in findings} == {(case.name, case.severity)}
    (finding,) = findings
    said = "\n".join((finding.current, finding.wanted, finding.why, finding.mend))
    for part in case.parts:
        assert part in said
    assert finding.current and finding.wanted and finding.why and finding.mend


def test_everyCheckIsTried() -> None:
    here = {case.name for case in CASES}
    elsewhere = {
        "syn-backlog",
        "close-wait",
        "run-directory",
        "state-directory",
        "certificates",
        "inotify-instances",
        "worker-connections",
        "worker-memory",
    }
    assert here | elsewhere == set(ALL)
    assert {case.severity for case in CASES} == set(SEVERITIES)


def test_synBacklogCountsWithoutCookies(tmp_path: Path) -> None:
    root = build(tmp_path, {f"{NET}/ipv4/tcp_syncookies": "0\n"})
    (finding,) = found(root, name="syn-backlog")
    assert finding.mend == "sysctl -w net.ipv4.tcp_max_syn_backlog=4096"
    root = build(tmp_path, {f"{NET}/ipv4/tcp_max_syn_backlog": "128\n"})
    assert found(root, name="syn-backlog") == []


def test_datagramsAlone(tmp_path: Path) -> None:
    """Nobody who has no connections to accept is told how to accept more."""
    changes = {
        f"{NET}/core/somaxconn": "128\n",
        f"{NET}/ipv4/tcp_syncookies": "0\n",
        f"{NET}/ipv4/tcp_timestamps": "0\n",
        f"{NET}/ipv4/tcp_mem": "10\t20\t30\n",
    }
    assert found(build(tmp_path, changes), SERVER.replace('["udp", "tcp"]', '"udp"')) == []


def test_oneWorkerNeedsNoSteering(tmp_path: Path) -> None:
    changes = {f"{NET}/core/optmem_max": "20480\n"}
    text = SERVER.replace("children = 4", "children = 1\ntcp_children = 4")
    assert found(build(tmp_path, changes), text) == []
    privileged = {**changes, "/proc/self/status": STATUS.format(1 << 39)}
    assert found(build(tmp_path, privileged)) == []


def test_closeWait(tmp_path: Path) -> None:
    """Held by a worker of ours: more than pass by in a moment."""
    rows = "".join(CLOSE_WAIT.format(inode) for inode in range(900, 950))
    root = build(tmp_path, {"/proc/net/tcp": TCP + rows})
    directory = root / f"proc/{PID}/fd"
    directory.mkdir()
    for number in range(20):
        os.symlink(f"socket:[{900 + number}]", directory / str(number))
    assert found(root) == []
    os.symlink("socket:[930]", directory / "99")
    (finding,) = found(root)
    assert (finding.name, finding.severity) == ("close-wait", "error")
    assert finding.current.startswith("21 connections in CLOSE-WAIT held by tcp/0")
    assert finding.mend == f"kill -USR1 {PID}"


def test_directoryWithASpace(tmp_path: Path) -> None:
    root = build(tmp_path)
    (root / "run/my server").mkdir(mode=0o755)
    (finding,) = found(root, SERVER.replace("run/sipapp", "run/my server"), "run-directory")
    assert finding.mend == "chmod 0700 '/run/my server'"


@pytest.mark.parametrize(
    ("name", "path"), [("run-directory", "run/sipapp"), ("state-directory", "var/lib/sipapp")]
)
def test_directories(tmp_path: Path, name: str, path: str) -> None:
    root = build(tmp_path)
    for mode, severity in ((0o750, "warning"), (0o755, "warning"), (0o770, "error")):
        (root / path).chmod(mode)
        (finding,) = found(root)
        assert (finding.name, finding.severity) == (name, severity)
        assert finding.mend == f"chmod 0700 /{path}"
    (root / path).chmod(0o700)
    (root / path).parent.chmod(0o777)
    (finding,) = found(root)
    assert (finding.name, finding.severity) == (name, "error")
    assert finding.mend == f"chmod o-w /{path.rpartition('/')[0]}"
    # As /tmp is.
    (root / path).parent.chmod(0o1777)
    assert found(root) == []


def test_poolsOfWebResources(tmp_path: Path) -> None:
    """One process is what such an endpoint has unless it is told otherwise."""
    block = """[[listen]]
address = "192.0.2.1"
port = 8080
transport = "http"
resources = ["health"]
[listen.limits]
connections = 30000
"""
    (finding,) = found(build(tmp_path), SERVER + block, "pool-connections")
    assert finding.current.startswith("http-0: 1 of 4 CPUs, 30000 connections")
    assert finding.mend == "[[listen]] of http:192.0.2.1:8080: socket_workers = 4"


def test_controlGroupsOfBothVersions(tmp_path: Path) -> None:
    """Version 1 has its largest number for no limit, and a group may be mounted as the root."""
    changes = {
        "/proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/docker/1\n0::/\n",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "/sys/fs/cgroup/memory.max": f"{300 << 20}\n",
    }
    (finding,) = found(build(tmp_path, changes), name="memory")
    assert finding.current.startswith("300 MiB")


def test_whatIsSaidOfRemovedSettingsRemovesThem(tmp_path: Path) -> None:
    lines = "net.ipv4.ip_forward = 0\n -net/ipv4/tcp_tw_recycle = 1\n# net/ipv4/tcp_tw_recycle\n"
    root = build(tmp_path, {"/etc/sysctl.conf": lines})
    (finding,) = found(root)
    command = finding.mend.replace("/etc/sysctl.conf", str(root / "etc/sysctl.conf"))
    subprocess.run(command, shell=True, check=True)
    assert (root / "etc/sysctl.conf").read_text().splitlines() == lines.splitlines()[::2]
    assert found(root) == []


def test_inotify(tmp_path: Path) -> None:
    """Those who serve documents follow them."""
    name, key = "inotify-instances", "fs/inotify/max_user_instances"
    root = build(tmp_path, {f"/proc/sys/{key}": "4\n"})
    block = '[[listen]]\naddress = "192.0.2.1"\nport = 8080\ntransport = "http"\n{}'
    asked = parseSettings(
        SERVER + block.format('socket_workers = 3\nresources = ["xcap"]\n'), "test", builtinTypes()
    )
    (finding,) = ALL[name](host(root), Demand(asked, resolve(asked, FakeMachine())))
    assert finding.mend == "sysctl -w fs.inotify.max_user_instances=6"
    assert found(root, name=name) == []


def hold(root: Path, count: int) -> None:
    """Give the worker of L{found} connections at port 5060."""
    rows = CLOSE_WAIT.replace(" 08 ", " 01 ")
    (root / "proc/net/tcp").write_text(TCP + "".join(map(rows.format, range(count))))
    directory = root / f"proc/{PID}/fd"
    directory.mkdir(exist_ok=True)
    for number in range(count):
        if not (directory / str(number)).is_symlink():
            os.symlink(f"socket:[{number}]", directory / str(number))


def test_workerConnections(tmp_path: Path) -> None:
    root = build(tmp_path)
    text = SERVER + "[listen.limits]\nconnections = 10\n"
    hold(root, 8)
    assert found(root, text) == []
    hold(root, 9)
    (finding,) = found(root, text)
    assert (finding.name, finding.severity) == ("worker-connections", "warning")
    assert finding.current == "tcp/0: 9 of 10 connections"


def test_workerMemory(tmp_path: Path) -> None:
    text = SERVER.replace("[pools]", "[pools]\nmemory_limit = 100")
    for size, expected in ((89 << 10, []), (90 << 10, ["tcp/0, pid 4711: 90 of 100 MiB"])):
        status = STATUS.format(0) + f"RssAnon:\t{size} kB\n"
        root = build(tmp_path, {f"/proc/{PID}/status": status})
        assert [each.current for each in found(root, text, "worker-memory")] == expected
        assert found(root) == []
