"""C{sipappctl doctor} and C{twistd sipapp --doctor}, and what a report looks like."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sipapp.admin.ctl import main
from sipapp.admin.doctor.checks import CHECKS, LIVE_CHECKS
from sipapp.admin.doctor.examination import examine
from sipapp.admin.doctor.running import diagnose, runningWorkers
from tests.admin.doctor.surroundings import LIMITS, PID, STATUS, build, demand, host
from tests.conftest import ServerStarter
from tests.support.configuration import Configuration

BAD = {
    "/proc/self/limits": LIMITS.format(64),
    "/proc/sys/net/core/somaxconn": "128\n",
    "/proc/sys/net/core/wmem_max": None,
    "/proc/sys/net/ipv4/tcp_tw_reuse": "0\n",
}


def test_well(tmp_path: Path) -> None:
    report = examine(host(build(tmp_path)), demand())
    checks = len(CHECKS) + len(LIVE_CHECKS)
    assert report.toText() == f"{checks} checks: all well\n"
    assert (report.worst, report.exitCode) == (None, 0)
    assert json.loads(report.toJSON()) == {
        "severity": None,
        "checks": checks,
        "findings": [],
        "unseen": [],
    }


def test_text(tmp_path: Path) -> None:
    """The worst first, and at the end what could not be seen, and the sums."""
    report = examine(host(build(tmp_path, BAD)), demand())
    lines = report.toText().splitlines()
    assert lines[0] == "ERROR open-files: 64 in each process"
    assert [line.split()[1] for line in lines if line.isupper() or line[:1].isupper()][:3] == [
        "open-files:",
        "accept-queue:",
        "time-wait-reuse:",
    ]
    assert "    mend    sysctl -w net.core.somaxconn=4096" in lines
    assert "/etc/sysctl.d" in lines[-3]
    assert lines[-2] == "Not to be seen from here: net.core.wmem_max"
    assert lines[-1].endswith(
        " checks: 1 error (open-files); 1 warning (accept-queue); 1 note (time-wait-reuse)"
    )
    assert report.exitCode == 4


def test_json(tmp_path: Path) -> None:
    document = json.loads(examine(host(build(tmp_path, BAD)), demand()).toJSON())
    assert document["severity"] == "error"
    assert document["unseen"] == ["net.core.wmem_max"]
    for finding in document["findings"]:
        assert list(finding) == ["severity", "name", "current", "wanted", "why", "mend"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/proc/sys/net/ipv4/tcp_tw_reuse", 0),
        ("/proc/sys/net/core/somaxconn", 3),
        ("/proc/self/limits", 4),
    ],
)
def test_exitCodes(tmp_path: Path, name: str, code: int) -> None:
    assert examine(host(build(tmp_path, {name: BAD[name]})), demand()).exitCode == code


def test_countersAreLeftOut(tmp_path: Path) -> None:
    """At the start of a server, what has happened since boot is no news."""
    changes = {"/proc/sys/fs/file-nr": "950 0 1000\n"}
    machine = host(build(tmp_path, changes))
    assert examine(machine, demand(), live=False).findings == ()
    assert [each.name for each in examine(machine, demand()).findings] == ["file-handles"]


WORKERS = json.dumps(
    [{"name": "udp-0/0", "pid": None}, {"name": "tcp/0", "pid": PID}, {"name": "tcp/1", "pid": 3}]
)


def test_runningServer(tmp_path: Path) -> None:
    """Its limits count, not those of the shell that asks."""
    changes = {
        "/run/sipapp/workers.json": WORKERS,
        f"/proc/{PID}/cmdline": "/opt/sipapp/bin/python\0-m\0sipapp.worker\0",
        f"/proc/{PID}/limits": LIMITS.format(65),
        f"/proc/{PID}/status": STATUS.format(0),
        "/proc/3/cmdline": "somebody else",
    }
    root = build(tmp_path, changes)
    assert runningWorkers(host(root), "/run/sipapp") == {"tcp/0": PID}
    asked = demand()
    findings = diagnose(asked.settings, asked.plan, root).findings
    (finding,) = [each for each in findings if each.name == "open-files"]
    assert finding.current.startswith("65 ")


@pytest.mark.parametrize("text", ["", "{", "[7]", "null", '[{"name": 1}]'])
def test_noServer(tmp_path: Path, text: str) -> None:
    root = build(tmp_path, {"/run/sipapp/workers.json": text})
    assert runningWorkers(host(root), "/run/sipapp") == {}


def test_command(configuration: Configuration, capsys: pytest.CaptureFixture[str]) -> None:
    """On this machine, whatever it is like, and without a server."""
    configuration.listen("udp")
    file = str(configuration.write())
    code = main(["doctor", "--config", file])
    assert code in (0, 3, 4)
    assert " checks: " in capsys.readouterr().out.splitlines()[-1]
    assert main(["doctor", "--config", file, "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["checks"] == len(CHECKS) + len(LIVE_CHECKS)


def test_badConfiguration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("[[listen]]\naddress = 5\n")
    assert main(["doctor", "--config", str(file)]) == 1
    assert str(file) in capsys.readouterr().err


def test_twistd(tmp_path: Path, configuration: Configuration) -> None:
    """Says the same, and starts nothing."""
    configuration.listen("udp")
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile=", "sipapp"),
            *("--config", str(configuration.write()), "--doctor"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (0, 3, 4), done.stderr
    assert " checks: " in done.stdout.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_start(configuration: Configuration, startServer: ServerStarter) -> None:
    """One line in the log."""
    configuration.listen("udp", workers=1)
    server = startServer(configuration)
    said = [line for line in server.output().splitlines() if "The doctor has made" in line]
    assert len(said) == 1
    assert f"{len(CHECKS)} checks: " in said[0]
