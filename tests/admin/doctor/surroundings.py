"""A machine of our making, where nothing is wrong, and the configuration of a server for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.host import Host
from sipapp.config import resolve
from tests.config.surroundings import FakeMachine, parse

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)

PID = 4711
"""Of the worker of a server that runs."""

SERVER = """
[server]
run_directory = "/run/sipapp"
state_directory = "/var/lib/sipapp"
[pools]
children = 4
[[listen]]
address = "192.0.2.1"
transport = ["udp", "tcp"]
"""
"""Two listeners: four UDP workers, and four workers with 4096 connections of either direction."""

STATUS = "Name:\tpython3\nCapEff:\t{:016x}\nCpus_allowed_list:\t0-1,4-5\n"

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max open files            {}               524288               files
"""

UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode \
ref pointer drops
  101: 010200C0:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 3 {}
  101: 010200C0:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2 2 3 {}
  102: 010200C0:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3 2 3 9
"""
"""Two sockets at port 5060, and one at 53, which is somebody else's."""

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
"""
CLOSE_WAIT = (
    "   {0}: 010200C0:13C4 070200C0:C000 08 00000000:00000000 00:00000000 00000000"
    "     0        0 {0} 1 0 20 4 30 10 -1\n"
)

GOOD: Mapping[str, str] = {
    "/proc/sys/kernel/osrelease": "6.1.0-42-amd64\n",
    "/proc/sys/fs/nr_open": "1048576\n",
    "/proc/sys/fs/file-max": "9223372036854775807\n",
    "/proc/sys/fs/file-nr": "1000\t0\t9223372036854775807\n",
    "/proc/sys/fs/epoll/max_user_watches": "3000000\n",
    "/proc/sys/fs/inotify/max_user_instances": "128\n",
    "/proc/sys/net/core/somaxconn": "4096\n",
    "/proc/sys/net/core/rmem_max": "4194304\n",
    "/proc/sys/net/core/wmem_max": "4194304\n",
    "/proc/sys/net/core/optmem_max": "131072\n",
    "/proc/sys/net/core/netdev_max_backlog": "1000\n",
    "/proc/sys/net/unix/max_dgram_qlen": "512\n",
    "/proc/sys/net/ipv4/tcp_max_syn_backlog": "1024\n",
    "/proc/sys/net/ipv4/tcp_syncookies": "1\n",
    "/proc/sys/net/ipv4/tcp_timestamps": "1\n",
    "/proc/sys/net/ipv4/tcp_tw_reuse": "2\n",
    "/proc/sys/net/ipv4/tcp_max_tw_buckets": "65536\n",
    "/proc/sys/net/ipv4/tcp_max_orphans": "65536\n",
    "/proc/sys/net/ipv4/ip_local_port_range": "10240\t65535\n",
    "/proc/sys/net/ipv4/ip_local_reserved_ports": "\n",
    "/proc/sys/net/ipv4/udp_mem": "90000\t120000\t180000\n",
    "/proc/sys/net/ipv4/tcp_mem": "90000\t120000\t180000\n",
    "/proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
    "/proc/sys/net/netfilter/nf_conntrack_count": "0\n",
    "/proc/meminfo": "MemTotal:        8000000 kB\nMemFree:         7000000 kB\n",
    "/proc/self/limits": LIMITS.format(262144),
    "/proc/self/status": STATUS.format(0),
    "/proc/self/cgroup": "0::/system.slice/sipapp.service\n",
    "/sys/fs/cgroup/system.slice/memory.max": "max\n",
    "/sys/fs/cgroup/system.slice/sipapp.service/memory.max": "4294967296\n",
    "/sys/fs/cgroup/system.slice/sipapp.service/pids.max": "4000\n",
    "/proc/net/netstat": "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPTimeWaitOverflow\n"
    "TcpExt: 0 0 0 0\nIpExt: InOctets\nIpExt: 5\n",
    "/proc/net/snmp": "Tcp: ActiveOpens PassiveOpens\nTcp: 5 70000\n",
    "/proc/net/sockstat": "sockets: used 17\nTCP: inuse 1 orphan 0 tw 15 alloc 1 mem 3\n"
    "UDP: inuse 0 mem 0\n",
    "/proc/net/softnet_stat": "0000ffff 00000000 00000038 00000000\n",
    "/proc/net/udp": UDP.format(0, 0),
    "/proc/net/tcp": TCP,
    f"/proc/{PID}/limits": LIMITS.format(262144),
    f"/proc/{PID}/status": STATUS.format(0),
    "/etc/sysctl.conf": "# net.ipv4.tcp_tw_recycle = 1\nnet.core.somaxconn = 4096\n",
}
"""The files of the machine."""


def build(root: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Write the files of a machine.

    @param changes: files that are other than in L{GOOD}; C{None} for those that are not there.
    """
    for name, text in {**GOOD, **(changes or {})}.items():
        file = root / name.lstrip("/")
        if text is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    for name in ("run/sipapp", "var/lib/sipapp"):
        (root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return root


def host(root: Path, process: int | str = "self") -> Host:
    """The machine whose files these are."""
    found = Host(root, process, NOW)
    found.pageSize = 4096
    return found


def demand(text: str = SERVER, workers: Mapping[str, int] | None = None) -> Demand:
    """What a configuration asks for."""
    settings = parse(text)
    return Demand(settings, resolve(settings, FakeMachine()), dict(workers or {}))
