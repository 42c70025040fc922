"""Profiles a worker under load: C{make profile}; C{--help} says what can be chosen."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.compare.load import Load
from bench.compare.scenarios import SCENARIOS
from bench.compare.servers import Sipapp, Wanted
from bench.profile.flamegraph import costs, readFrames, table
from bench.usage import Usage

#: Seconds of load before samples are taken: a transaction over UDP is forgotten 32 s after it (RFC
#: 3261 §17.2, Timer J), and that has a cost as well.
_WARMUP = 34.0
#: Seconds that the load goes on when samples are no longer taken.
_MARGIN = 3.0


@dataclass(frozen=True)
class Window:
    """The time in which samples were taken.

    @ivar busy: seconds of processor time of the worker.
    @ivar kernel: how many of them it was in the kernel, for its system calls.
    @ivar units: what it was asked meanwhile: requests or calls.
    """

    busy: float
    kernel: float
    units: float


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("scenario", nargs="?", choices=SCENARIOS, default="call")
    parser.add_argument("--transport", choices=("udp", "tcp"), default="udp")
    parser.add_argument("--workers", type=int, default=1, help="the busiest one is looked at")
    parser.add_argument("--rate", type=float, help="requests or calls in a second")
    parser.add_argument("--seconds", type=int, default=20, help="how long samples are taken")
    parser.add_argument("--frequency", type=int, default=500, help="samples in a second")
    parser.add_argument("--syscalls", action="store_true", help="show system calls as well")
    parser.add_argument("--native", action="store_true", help="functions of C as well")
    parser.add_argument("--top", type=int, default=40, help="how many functions are printed")
    parser.add_argument("--output", type=Path, help="the SVG; build/profile-SCENARIO.svg without")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    output: Path = options.output or Path("build", f"profile-{options.scenario}.svg")
    output.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sipapp-profile-") as directory:
        window = _profile(options, output, Path(directory))
    unit = SCENARIOS[options.scenario].unit
    whole, kernel = (seconds * 1e6 / window.units for seconds in (window.busy, window.kernel))
    shown = whole if options.syscalls else whole - kernel
    print(table(costs(readFrames(output)), shown, options.top))
    print(f"\n{whole:.1f} µs for each {unit}, {kernel:.1f} of them in the kernel")
    print(f"The flame graph is {output}")
    return 0


def _profile(options: argparse.Namespace, output: Path, directory: Path) -> Window:
    """Run server and load, and take the samples."""
    scenario = SCENARIOS[options.scenario]
    rate = options.rate or scenario.rate
    server = Sipapp(
        directory, Wanted(options.transport, options.workers, accounts=scenario.accounts)
    )
    with ExitStack() as cleanUp:
        cleanUp.callback(server.end)
        clients = cleanUp.enter_context(ThreadPoolExecutor(1))
        load = Load(scenario, options.transport, server.address, directory)
        load.prepare()
        before = Usage(server.pid)
        running = clients.submit(load.run, rate, _WARMUP + options.seconds + _MARGIN)
        time.sleep(_WARMUP)
        warm = Usage(server.pid)
        times = warm.eachSince(before)
        worker = max(times, key=lambda pid: times[pid])
        inKernel = _kernelTime(worker)
        _sample(worker, output, options)
        inKernel = _kernelTime(worker) - inKernel
        now = Usage(server.pid)
        report = running.result()
    if report.failed or report.retransmissions:
        print(f"{report.failed} failed, {report.retransmissions} retransmissions", file=sys.stderr)
    reached = report.created / (report.seconds - scenario.lasting) / options.workers
    return Window(now.eachSince(warm)[worker], inKernel, reached * (now.at - warm.at))


def _kernelTime(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[12]) / os.sysconf("SC_CLK_TCK")


def _sample(pid: int, output: Path, options: argparse.Namespace) -> None:
    arguments = [str(Path(sys.executable).with_name("py-spy")), "record", "--function"]
    arguments += ["--pid", str(pid), "--output", str(output)]
    arguments += ["--duration", str(options.seconds), "--rate", str(options.frequency)]
    if not options.syscalls:
        # A worker that others have pushed off its processor looks busy. That happens most in system
        # calls, where it has given up the interpreter's lock.
        arguments.append("--gil")
    if options.native:
        arguments.append("--native")
    if subprocess.run(arguments).returncode:
        # It has said why: where the kernel does not let it look at a process, what to do as well.
        raise SystemExit("py-spy has failed")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
