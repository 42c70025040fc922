"""The configuration of a server under test: what a test chooses; the rest is private to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.ports import freePort
from tests.support.sipclient import bracketed
from tests.support.siptext import Address

DOMAIN = "example.test"


@dataclass(frozen=True)
class Endpoint:
    """An address that the server listens at."""

    transport: str
    host: str
    port: int

    @property
    def address(self) -> Address:
        return self.host, self.port

    @property
    def uri(self) -> str:
        """The endpoint as a URI for a phone's settings."""
        return f"sip:{bracketed(self.host)}:{self.port};transport={self.transport}"


def toTOML(value: Any) -> str:
    """Write a value: TOML's strings, numbers, booleans and arrays are JSON's."""
    if isinstance(value, dict):
        items = (f"{json.dumps(key)} = {toTOML(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toTOML, value)) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value)


@dataclass
class Configuration:
    """What goes into a configuration file, and the endpoints that it makes."""

    directory: Path
    certificate: Path
    key: Path
    children: int = 2
    tcpChildren: int = 2
    #: Text in front of the first table.
    preamble: str = ""
    #: Tables and keys beyond, or instead of, what is the same for every test.
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The listen blocks, as they stand in the file.
    blocks: list[dict[str, Any]] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)

    @property
    def runDirectory(self) -> Path:
        return self.directory / "run"

    @property
    def stateDirectory(self) -> Path:
        return self.directory / "state"

    def listen(
        self,
        transport: str = "udp",
        host: str = "127.0.0.1",
        *,
        port: int | None = None,
        workers: int | None = None,
        **keys: Any,
    ) -> Endpoint:
        """Add a C{[[listen]]} block for one address.

        @param workers: its C{socket_workers}, if it is to have any of its own.
        @param keys: further keys of the block.
        """
        endpoint = Endpoint(transport, host, port or freePort())
        block: dict[str, Any] = {"address": host, "port": endpoint.port, "transport": transport}
        if workers is not None:
            block["socket_workers"] = workers
        if transport in ("tls", "https"):
            block["tls"] = {"certificate": self.certificate, "private_key": self.key}
        self.blocks.append({**block, **keys})
        self.endpoints.append(endpoint)
        return endpoint

    def endpoint(self, transport: str, host: str = "127.0.0.1") -> Endpoint:
        """
        @return: the first endpoint of a transport at an address.
        """
        return next(e for e in self.endpoints if (e.transport, e.host) == (transport, host))

    def table(self, name: str, **keys: Any) -> None:
        """Set keys of a table such as C{server} or C{resource.registrar}."""
        self.tables.setdefault(name, {}).update(keys)

    def text(self) -> str:
        tables: dict[str, dict[str, Any]] = {
            "server": {
                "domains": [DOMAIN],
                "run_directory": self.runDirectory,
                "state_directory": self.stateDirectory,
            },
            "pools": {"children": self.children, "tcp_children": self.tcpChildren},
        }
        for name, keys in self.tables.items():
            tables[name] = {**tables.get(name, {}), **keys}
        lines = [self.preamble]
        for name, keys in tables.items():
            lines += [f"[{name}]", *(f"{key} = {toTOML(keys[key])}" for key in keys), ""]
        for block in self.blocks:
            lines += ["[[listen]]", *(f"{key} = {toTOML(block[key])}" for key in block), ""]
        return "\n".join(lines)

    def write(self) -> Path:
        """
        @return: the file, written with its directories.
        """
        for directory in (self.directory, self.runDirectory, self.stateDirectory):
            directory.mkdir(parents=True, exist_ok=True)
        file = self.directory / "sipapp.toml"
        file.write_text(self.text())
        return file
