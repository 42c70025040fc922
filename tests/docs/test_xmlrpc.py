"""What the page about XML-RPC says of the methods is what a server says of them, and its commands
can be typed as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xmlrpc.client
from pathlib import Path

import msgspec
import pytest

from sipapp.config import parseSettings
from sipapp.plugins import resourceTypes
from sipapp.rpc import MethodDescription
from tests.conftest import ServerStarter
from tests.docs.methodtable import PAGE, tables, tablesIn
from tests.docs.pagecommands import blocks, commands
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration, Endpoint
from tests.support.users import addUsers

TEXT = PAGE.read_text()
HOST = "sip.example.com"


def test_theConfiguration() -> None:
    [text] = blocks(TEXT, "toml")
    settings = parseSettings(text, str(PAGE), resourceTypes())
    assert "xmlrpc" in settings.resource


@pytest.fixture
def endpoint(
    configuration: Configuration, authority: CertificateAuthority, startServer: ServerStarter
) -> Endpoint:
    configuration.certificate, configuration.key = authority.issue(HOST)
    configuration.listen("udp", workers=2)
    endpoint = configuration.listen("https", workers=1, resources=["xmlrpc"])
    configuration.table("server", domains=["example.com"])
    configuration.table("resource.xmlrpc", viewers=["127.0.0.0/8"])
    addUsers(configuration, {"alice": "wonderland"}, "example.com", "operator")
    startServer(configuration)
    return endpoint


@pytest.mark.peer("curl")
def test_methodsAndCommands(
    endpoint: Endpoint, configuration: Configuration, authority: CertificateAuthority
) -> None:
    """The tables, and then the commands, one after the other, by a shell whose curl and Python know
    where the server of the page is."""
    directory = configuration.directory
    (directory / ".curlrc").write_text(
        f'connect-to = "{HOST}:8443:{endpoint.host}:{endpoint.port}"\ncacert = "{authority.file}"\n'
    )
    environment = {
        "HOME": str(directory),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
    }
    call = '{"jsonrpc": "2.0", "id": 1, "method": "system.describe"}'
    asked = subprocess.run(
        [
            *("curl", "--silent", f"https://{HOST}:8443/RPC2", "--data", call),
            *("--header", "Content-Type: application/json"),
        ],
        env=environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    described = msgspec.json.decode(asked.stdout)["result"]
    wanted = tables(msgspec.convert(described, list[MethodDescription]))
    assert tablesIn(TEXT).splitlines() == wanted.splitlines(), "see tests/docs/methodtable.py"
    [netrc] = re.findall(r"^ {4}(machine .*)$", TEXT, re.MULTILINE)
    (directory / ".netrc").write_text(f"{netrc}\n")
    shell = subprocess.run(
        ["bash"],
        input="".join(f"{command.text}\nprintf '\\0'\n" for command in commands(TEXT)),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=directory,
        env=environment,
        check=True,
    )
    printed = [each.strip() for each in shell.stdout.split("\0")]
    for command, output in zip(commands(TEXT), printed, strict=False):
        assert output == command.output.strip(), command.text


def test_python(
    configuration: Configuration,
    authority: CertificateAuthority,
    startServer: ServerStarter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The example in Python, but for the host and the port."""
    endpoint = configuration.listen("https", workers=1, resources=["xmlrpc"])
    configuration.listen("udp", workers=2)
    configuration.table("server", domains=["example.com"])
    addUsers(configuration, {"alice": "wonderland"}, "example.com", "operator")
    startServer(configuration)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    [program] = blocks(TEXT, "python")
    address = f"{endpoint.host}:{endpoint.port}"
    exec(program.replace(f"{HOST}:8443", address), {"xmlrpc": xmlrpc})
    assert capsys.readouterr().out.splitlines() == [
        "2",
        """<Fault 404: "there is no pool 'udp-7'">""",
    ]
