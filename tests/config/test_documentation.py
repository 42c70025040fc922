"""Tests of C{docs/configuration.md}."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipapp.config import ConfigurationError, parseSettings, resolve
from tests.config.surroundings import RESOURCE_TYPES, FakeMachine
from tests.config.test_reference import builtinTypes, referenceOptions

TEXT = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
EXPLAINED = re.findall(r"^etc/sipapp.toml: .*$", TEXT, re.MULTILINE) + re.findall(
    r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.DOTALL | re.MULTILINE)
)
"""The examples of errors, and everything else in the text that is marked as code."""

UDP = '[[listen]]\naddress = "127.0.0.1"\ntransport = "udp"\n'
TCP = UDP.replace("udp", "tcp")


def section(key: str) -> str:
    """The part of the text about the table of a key."""
    table = key.rpartition(".")[0]
    for heading in (f"[{table}]", f"[[{table}]]"):
        parts = re.split(rf"^###? `{re.escape(heading)}`.*$", TEXT, flags=re.MULTILINE)
        if len(parts) == 2:
            return re.split(r"^##", parts[1], flags=re.MULTILINE)[0]
    raise AssertionError(f"no section about [{table}]")


def test_everyOptionIsExplained() -> None:
    missing = [
        key
        for key, _, _ in referenceOptions()
        if f"`{key.rpartition('.')[2]}`" not in section(key) and f"`[{key}]`" not in TEXT
    ]
    assert missing == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_examplesCanBeUsed(example: str) -> None:
    assert resolve(parseSettings(example, "example", builtinTypes()), FakeMachine()).processes > 0


@pytest.mark.parametrize(
    "text",
    [
        UDP * 2 + '[[listen]]\naddress = "::1"\nsocket_workers = "four"',
        f"{UDP}socket_wrokers = 4",
        f"{UDP}[pools]\nsocket_workers = 4",
        UDP.replace("127.0.0.1", "example.com"),
        UDP.replace("127.0.0.1", "tun0"),
        UDP.replace("127.0.0.1", "0.0.0.0") + UDP,
        f"{TCP}port = 5060\n".replace('"tcp"', '["tcp", "tls"]')
        + '[listen.tls]\ncertificate = "/c"',
        TCP.replace("tcp", "tls")
        + 'tls = {certificate = "/c", private_key = "/etc/sipapp/tls/key.pem"}',
        TCP.replace("tcp", "tls"),
        f'{UDP}resources = ["health"]',
        f"{UDP}[resource.replicate]\npeers = []",
        UDP.replace("udp", "sctp"),
        UDP.replace("udp", "ws"),
    ],
)
def test_errorsAreWordedAsExplained(text: str) -> None:
    machine = FakeMachine(unreadable={"/etc/sipapp/tls/key.pem": "Permission denied"})
    with pytest.raises(ConfigurationError) as caught:
        resolve(parseSettings(text, "etc/sipapp.toml", RESOURCE_TYPES), machine)
    said = str(caught.value)
    assert any(len(words) > 20 and words in said for words in EXPLAINED), said
