"""What the page about XCAP says can be typed as it stands, and gives what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sipapp.config import parseSettings
from sipapp.plugins import resourceTypes
from tests.conftest import ServerStarter
from tests.docs.pagecommands import blocks, commands
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.users import addUsers

PAGE = (Path(__file__).parent.parent.parent / "docs" / "xcap.md").read_text()
HOST = "xcap.example.com"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def test_theConfiguration() -> None:
    [text] = blocks(PAGE, "toml")
    settings = parseSettings(text, "docs/xcap.md", resourceTypes())
    assert list(settings.resource) == ["authenticate", "options", "registrar", "proxy", "xcap"]


@pytest.mark.peer("curl")
def test_theCommands(
    configuration: Configuration, authority: CertificateAuthority, startServer: ServerStarter
) -> None:
    """One after the other, by a shell whose curl knows where the server of the page is."""
    configuration.certificate, configuration.key = authority.issue(HOST)
    endpoint = configuration.listen("https", workers=2, resources=["xcap"])
    configuration.table("server", domains=["example.com"])
    addUsers(configuration, {"alice": "wonderland"}, "example.com")
    startServer(configuration)
    directory = configuration.directory
    [friends] = blocks(PAGE, "xml")
    (directory / "friends.xml").write_text(friends)
    [netrc] = re.findall(r"^ {4}(machine .*)$", PAGE, re.MULTILINE)
    (directory / ".netrc").write_text(f"{netrc}\n")
    (directory / ".curlrc").write_text(
        f'connect-to = "{HOST}:443:{endpoint.host}:{endpoint.port}"\ncacert = "{authority.file}"\n'
    )
    programs = Path(sys.executable).parent
    shell = subprocess.run(
        ["bash"],
        input="".join(f"{command.text}\nprintf '\\0'\n" for command in commands(PAGE)),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=directory,
        env={"HOME": str(directory), "PATH": f"{programs}:{os.environ['PATH']}", "LANG": "C.UTF-8"},
        check=True,
    )
    assert shell.stderr == ""
    outputs = shell.stdout.split("\0")[:-1]
    # One that is wrong makes those after it wrong: the first says what it is.
    for command, output in zip(commands(PAGE), outputs, strict=True):
        assert TIME.sub("TIME", output.rstrip("\n")) == TIME.sub("TIME", command.output), (
            command.text
        )
