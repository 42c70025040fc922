"""The picture of the status page in the README: C{python -m bench.picture docs/status.png}.

A server, calls and registrations through it for two minutes, and a browser that looks on.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from bench.resilience.load import Load
from bench.resilience.stage import makeConfiguration, running
from tests.peers.sipprun import SIPp, userFile
from tests.support.chromium import Chromium
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.ports import freePort

_SECONDS = 130
_CALLS = 40
_REGISTERS = 60
_USERS = 2000


def _configured(directory: Path) -> Configuration:
    configuration = makeConfiguration(directory)
    configuration.table("resource.status", viewers=["127.0.0.1"])
    configuration.listen("udp", workers=2)
    configuration.listen("tcp")
    configuration.listen("udp", workers=1, resources=["options"])
    configuration.listen("http", resources=["status", "metrics", "xmlrpc"])
    return configuration


def _registering(directory: Path, configuration: Configuration) -> SIPp:
    path = shutil.which("sipp")
    assert path is not None
    local = "127.0.0.1", freePort()
    users = [(f"phone{n}", f"sip:phone{n}@{local[0]}:{local[1]}") for n in range(_USERS)]
    return SIPp(
        path,
        directory,
        "register",
        server=configuration.endpoint("udp").address,
        local=local,
        calls=_REGISTERS * _SECONDS,
        rate=_REGISTERS,
        users=userFile(directory / "phones.csv", users),
        deadline=_SECONDS + 60,
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
            phones = _registering(directory, configuration)
            address = configuration.endpoint("http").address
            url = f"http://{address[0]}:{address[1]}/status/"
            page = browser.open(url, width=1100, height=1120)
            try:
                drawn = "document.querySelector('#calls .line').getAttribute('d')"
                long = f"({drawn} || '').split('L').length > 110"
                waitFor(lambda: page.evaluate(long), "a plot of two minutes", 2 * _SECONDS)
                Path(sys.argv[1]).write_bytes(page.picture())
            finally:
                load.end()
                phones.program.kill()


if __name__ == "__main__":
    main()
