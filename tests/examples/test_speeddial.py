"""The example of an application usage in a package of its own: alone, and installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sipapp.xcap.document import Document
from sipapp.xcap.errors import ConstraintFailure, SchemaValidationError, UniquenessFailure
from sipapp.xcap.names import DocumentName

PACKAGE = Path(__file__).parents[2] / "docs" / "examples" / "speeddial"

ALICE = "sip:alice@example.com"


@pytest.fixture
def speedDial(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The usage, imported from where it lies."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    import sipapp_speeddial

    yield sipapp_speeddial.speedDial
    del sys.modules["sipapp_speeddial"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the package: nothing but what its setup.cfg names."""
    source = tmp_path_factory.mktemp("source") / "speeddial"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "dropin.cache")
    shutil.copytree(PACKAGE, source, ignore=ignored)
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--target", str(target), str(source)], check=True)
    return target


def numbers(*numbers: tuple[str, str]) -> bytes:
    content = "".join(f'<number digits="{digits}" uri="{uri}"/>' for digits, uri in numbers)
    return f'<speed-dial xmlns="urn:example:speed-dial">{content}</speed-dial>'.encode()


class TestAlone:
    def validate(self, usage: Any, body: bytes) -> None:
        usage.validate(Document(body), DocumentName(usage.auid, ALICE, "index"))

    def test_valid(self, speedDial: Any) -> None:
        self.validate(speedDial, numbers(("1", "sip:bob@example.com"), ("12", "tel:+1555")))

    def test_notTheSchema(self, speedDial: Any) -> None:
        with pytest.raises(SchemaValidationError):
            self.validate(speedDial, numbers(("1234", "sip:bob@example.com")))

    def test_notUnique(self, speedDial: Any) -> None:
        with pytest.raises(UniquenessFailure) as caught:
            self.validate(speedDial, numbers(("1", "a:b"), ("2", "a:c"), ("1", "a:d")))
        assert caught.value.fields == (("speed-dial/number%5B3%5D/@digits", ("0", "3", "4")),)

    def test_notOneself(self, speedDial: Any) -> None:
        with pytest.raises(ConstraintFailure, match="1 would call"):
            self.validate(speedDial, numbers(("1", ALICE)))

    def test_oneDocumentForEachUser(self, speedDial: Any) -> None:
        assert speedDial.accepts(DocumentName(speedDial.auid, ALICE, "index"))
        assert not speedDial.accepts(DocumentName(speedDial.auid, ALICE, "other"))
        assert not speedDial.accepts(DocumentName(speedDial.auid, "", "index"))


def test_installed(installed: Path) -> None:
    """It is found, and its schema with it."""
    program = f"""
from sipapp.xcap.document import Document
from sipapp.xcap.names import DocumentName
from sipapp.xcap.registry import applicationUsages
usage = applicationUsages()["org.example.speed-dial"]
usage.validate(Document({numbers(("1", "tel:+1555"))!r}), DocumentName(usage.auid, "a:b", "index"))
print(len(applicationUsages()))
"""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout, found.stderr) == ("9\n", "")
