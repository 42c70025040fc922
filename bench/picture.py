"""The picture of the status page in the README: C{python -m bench.picture docs/status.png}.

A server, calls and registrations through it for as long as its plots reach back, and a browser that
looks on.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bench.resilience.load import Load
from bench.resilience.stage import makeConfiguration, running
from tests.peers.sipprun import SIPp, userFile
from tests.support.chromium import Chromium, Page
from tests.support.configuration import Configuration, Endpoint
from tests.support.deadlines import waitFor
from tests.support.ports import freePort

_SECONDS = 320
_SHOWN = 285
"""Points of a plot that is full, but for seconds in which the machine had others to serve."""
_CALLS = 40
_USERS = 2000


def _configured(directory: Path) -> Configuration:
    configuration = makeConfiguration(directory)
    configuration.table("resource.status", viewers=["127.0.0.1"])
    configuration.listen("udp", workers=2)
    configuration.listen("tcp")
    configuration.listen("udp", workers=1, resources=["options"])
    configuration.listen("http", resources=["status", "metrics", "xmlrpc"])
    for path in (configuration.runDirectory, configuration.stateDirectory):
        # The doctor would say so otherwise.
        path.mkdir(0o700)
    return configuration


def _registering(directory: Path, endpoint: Endpoint, rate: int, seconds: int) -> SIPp:
    """Phones that register from now on."""
    path = shutil.which("sipp")
    assert path is not None
    name = f"phone-{endpoint.transport}"
    local = endpoint.host, freePort()
    users = [(f"{name}-{n}", f"sip:{name}-{n}@{local[0]}:{local[1]}") for n in range(_USERS)]
    return SIPp(
        path,
        directory,
        "register",
        name=name,
        server=endpoint.address,
        local=local,
        mode="t1" if endpoint.transport == "tcp" else "u1",
        calls=rate * seconds,
        rate=rate,
        users=userFile(directory / f"{name}.users", users),
        deadline=seconds + 60,
    )


def main() -> None:
    """Make the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        configuration = _configured(directory)
        with running(configuration), Chromium(chromium, directory) as browser:
            load = Load(directory, configuration.endpoint("udp"), _CALLS, _SECONDS)
            phones = [_registering(directory, configuration.endpoint("udp"), 60, _SECONDS)]
            address = configuration.endpoint("http").address
            url = f"http://{address[0]}:{address[1]}/status/"
            page = browser.open(url, width=1100, height=1350)
            try:
                for part, rate, seconds in ((0.3, 80, 80), (0.8, 100, 120)):
                    _awaitPoints(page, int(part * _SHOWN))
                    tcp = configuration.endpoint("tcp")
                    phones.append(_registering(directory, tcp, rate, seconds))
                _awaitPoints(page, _SHOWN)
                Path(sys.argv[1]).write_bytes(page.picture())
            finally:
                load.end()
                for each in phones:
                    each.program.kill()


def _awaitPoints(page: Page, count: int) -> None:
    drawn = "(document.querySelector('#calls .line').getAttribute('d') || '').split('L').length"
    waitFor(lambda: page.evaluate(drawn) >= count, f"a plot of {count} seconds", 2 * _SECONDS)


if __name__ == "__main__":
    main()
