"""A server that is nothing but its unix socket: what it answers is the test's, how is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sipapp.admin.ctl import main
from sipapp.admin.door import UnixDoor
from sipapp.admin.methods import Methods
from sipapp.admin.methods.audit import Audit


class Operated:
    """It runs in the reactor of the test.

    @ivar config: the configuration that leads to it.
    @ivar socket: its path.
    @ivar door: starts and stops.
    """

    def __init__(self, directory: Path, namespaces: Mapping[str, object]) -> None:
        """
        @param namespaces: its methods: see C{sipapp.admin.methods.Methods}.
        """
        self.config = directory / "sipapp.toml"
        self.config.write_text(f'[server]\nrun_directory = "{directory}"\n')
        self.socket = directory / "control.sock"
        methods = Methods(namespaces, Audit(directory / "audit.log"))
        self.door = UnixDoor(self.socket, methods, reactor)

    def run(self, command: str, *arguments: str) -> Deferred[int]:
        """Run C{sipappctl} in a thread.

        @return: fires with the exit code.
        """
        return deferToThread(main, [command, "--config", str(self.config), *arguments])
