"""C{sipappctl xcap}."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from twisted.internet.defer import execute

from sipapp.admin.ctl import main
from sipapp.storage import AccountFile, SQLiteDocuments, newAccount
from sipapp.storage.documentfile import DocumentFile
from sipapp.xcap.names import DocumentName

LISTS = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="friends">
    <entry uri="sip:bob@example.com"/>
  </list>
</resource-lists>
"""
INDEX = "resource-lists/users/sip:alice@example.com/index"
NAME = DocumentName("resource-lists", "sip:alice@example.com", "index")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a server that has never been started."""
    file = tmp_path / "sipapp.toml"
    file.write_text(
        f'[server]\nstate_directory = "{tmp_path}/state"\ndomains = ["example.com"]\n'
        '[[listen]]\naddress = "127.0.0.1"\nport = 0\ntransport = "http"\nresources = ["xcap"]\n'
        "[resource.xcap]\ndocument_size = 1000\ndocuments_per_user = 2\n"
    )
    return file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "documents.db"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    file = tmp_path / "lists.xml"
    file.write_bytes(LISTS)
    return file


def xcap(config: Path, action: str, *arguments: str) -> int:
    return main(["xcap", action, "--config", str(config), *arguments])


def stored(path: Path, name: DocumentName = NAME) -> bytes | None:
    with DocumentFile(path) as file:
        document = file.get(name)
        return None if document is None else document.body


def test_life(
    config: Path, path: Path, lists: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert xcap(config, "put", INDEX, str(lists)) == 0
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert stored(path) == LISTS
    # A user has one spelling, and need not be written in it.
    assert xcap(config, "get", "resource-lists/users/alice/index") == 0
    assert capfdbinary.readouterr() == (LISTS, b"")
    assert xcap(config, "delete", "/resource-lists/users/sips:alice@EXAMPLE.com/index") == 0
    assert stored(path) is None
    assert capfdbinary.readouterr() == (b"", b"")


def test_elements(
    config: Path,
    path: Path,
    lists: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """As they stand, or percent-encoded as in a URI."""

    def put(place: str, content: bytes) -> int:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return xcap(config, "put", f"{INDEX}/~~/{place}", "-")

    assert xcap(config, "put", INDEX, str(lists)) == 0
    carol = b'<entry uri="sip:carol@example.com"/>'
    assert put('*/list[@name="friends"]/entry[@uri="sip:carol@example.com"]', carol) == 0
    assert put("resource-lists/list%5b1%5d/@name", b"family") == 0
    changed = LISTS.replace(b"friends", b"family")
    changed = changed.replace(b'bob@example.com"/>', b'bob@example.com"/>' + carol)
    assert stored(path) == changed
    query = "?xmlns(r=urn:ietf:params:xml:ns:resource-lists)"
    assert xcap(config, "get", f"{INDEX}/~~/r:resource-lists/r:list/r:entry[2]{query}") == 0
    assert capfdbinary.readouterr() == (carol, b"")
    assert xcap(config, "get", f"{INDEX}/~~/*/list/@name") == 0
    assert capfdbinary.readouterr() == (b"family", b"")
    assert xcap(config, "delete", f"{INDEX}/~~/*/list/entry[2]") == 0
    assert stored(path) == LISTS.replace(b"friends", b"family")


def test_list(config: Path, lists: Path, path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert xcap(config, "put", INDEX, str(lists)) == 0
    assert xcap(config, "put", "resource-lists/users/bob%20b/work%2fx", str(lists)) == 1
    assert xcap(config, "put", "resource-lists/users/bob%20b/work", str(lists)) == 0
    capfd.readouterr()
    assert xcap(config, "list") == 0
    titles, first, second = capfd.readouterr().out.splitlines()
    assert titles.split() == ["DOCUMENT", "SIZE", "ETAG", "MODIFIED"]
    with DocumentFile(path) as file:
        document = file.get(NAME)
    assert document is not None
    place, size, etag, day, clock = first.split()
    assert (place, size, etag) == (INDEX, str(len(LISTS)), document.etag)
    assert (len(day), len(clock)) == (10, 8)
    assert second.startswith("resource-lists/users/sip:bob%2520b@example.com/work ")
    assert xcap(config, "list", "--user", "alice") == 0
    assert capfd.readouterr().out.split() == titles.split() + first.split()
    assert xcap(config, "list", "--user", "alice", "--json") == 0
    [row] = json.loads(capfd.readouterr().out)
    assert (row["path"], row["size"], row["etag"]) == (INDEX, len(LISTS), document.etag)
    assert xcap(config, "list", "--usage", "pres-rules") == 0
    assert capfd.readouterr().out.split() == titles.split()
    for arguments in (("list", "--usage", "no-such"), ("list", "--usage", "\udcff")):
        assert xcap(config, *arguments) == 1
        said = capfd.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)


def test_ifMatch(config: Path, path: Path, lists: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert xcap(config, "put", INDEX, str(lists)) == 0
    assert xcap(config, "list") == 0
    etag = capfd.readouterr().out.splitlines()[1].split()[2]
    lists.write_bytes(LISTS.replace(b"friends", b"family"))
    assert xcap(config, "put", INDEX, str(lists), "--if-match", "\udcff") == 1
    assert "can't encode" in capfd.readouterr().err
    assert xcap(config, "put", INDEX, str(lists), "--if-match", f'"{etag}"') == 0
    assert xcap(config, "put", INDEX, str(lists), "--if-match", etag) == 1
    assert xcap(config, "delete", INDEX, "--if-match", etag) == 1
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 2
    assert all(line.startswith("sipappctl: 412 ") for line in said)
    assert stored(path) == LISTS.replace(b"friends", b"family")


def test_made(config: Path, lists: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What the server makes itself can be read, and not changed."""
    assert xcap(config, "put", INDEX, str(lists)) == 0
    assert xcap(config, "get", "xcap-caps/global/index") == 0
    assert "<auid>resource-lists</auid>" in capfd.readouterr().out
    assert xcap(config, "put", "xcap-caps/global/index", str(lists)) == 1
    assert "sipappctl: 405 " in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("get", "resource-lists/users/alice/other"), "404 NotFound: there is no such document"),
        (("get", "resource-lists"), "404 NotFound"),
        (("get", "nothing/users/alice/index"), "404 NotFound: there is no such application usage"),
        (("get", f"{INDEX}/~~/*/list[2]"), "404 NotFound"),
        (("get", f"{INDEX}/~~/*/list[x]"), "404 NotFound"),
        (("delete", f"{INDEX}/~~/*/list/entry[7]"), "404 NotFound"),
        (("delete", f"{INDEX}/~~/resource-lists"), "409 CannotDelete"),
        (("delete", INDEX, "--if-match", 'a"b'), "400 XCAPError"),
        (("put", f"{INDEX}/~~/*/list[2]/entry", "{entry}"), "409 NoParent"),
        (("put", f"{INDEX}/~~/*/list/entry[1]", "{large}"), "413 TooLarge"),
        (("put", INDEX, "{entry}"), "409 SchemaValidationError"),
        (("put", INDEX, "{missing}"), "No such file or directory"),
        (("put", "resource-lists/users/alice/c", "{lists}"), "a user may have 2 documents"),
        (("list", "--user", "sip:@"), "400 BadSelector"),
    ],
)
def test_refused(
    config: Path,
    path: Path,
    lists: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    reason: str,
) -> None:
    """By the same rules that users have, and the settings of the server."""
    for name in (INDEX, "resource-lists/users/alice/b"):
        assert xcap(config, "put", name, str(lists)) == 0
    entry = b'<entry xmlns="urn:ietf:params:xml:ns:resource-lists" uri="%s"/>'
    (tmp_path / "entry").write_bytes(entry % b"x")
    (tmp_path / "large").write_bytes(entry % (b"x" * 1000))
    files = {each: tmp_path / each for each in ("entry", "large", "missing")}
    action, *others = (each.format(lists=lists, **files) for each in arguments)
    assert xcap(config, action, *others) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("sipappctl: ")
    assert said.err.count("\n") == 1
    assert reason in said.err
    assert stored(path) == LISTS


def test_aRunningServerSeesIt(config: Path, path: Path, lists: Path) -> None:
    path.parent.mkdir()
    store = SQLiteDocuments(path, inThread=execute)
    assert xcap(config, "put", INDEX, str(lists)) == 0
    found: list[object] = []
    store.get(NAME).addCallback(found.append)
    assert getattr(found[0], "body", None) == LISTS
    store.close()


def test_noInput(
    config: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert xcap(config, "put", INDEX, "-") == 1
    assert capfd.readouterr().err == "sipappctl: there is no standard input\n"


def test_noDatabase(config: Path, path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Only who puts something makes one: another directory may have been meant."""
    for arguments in (("list",), ("get", INDEX), ("delete", INDEX)):
        assert xcap(config, *arguments) == 1
        assert capfd.readouterr().err == f"sipappctl: there is no {path} yet\n"
    assert not path.parent.exists()


def test_notServed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sipapp.toml"
    file.write_text('[[listen]]\naddress = "127.0.0.1"\n')
    assert xcap(file, "list") == 1
    assert capfd.readouterr().err == f"sipappctl: no endpoint of {file} has the resource xcap\n"


def test_theNameOfAUser(config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """RFC 4826 §4.4.5, as long as accounts tell who is a user."""
    file = tmp_path / "services.xml"
    file.write_text(
        '<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">'
        '<service uri="sip:bob@example.com"><list/></service></rls-services>'
    )
    (tmp_path / "state").mkdir()
    with AccountFile(tmp_path / "state" / "accounts.db") as accounts:
        accounts.add(newAccount("bob", "example.com", "secret"))
    put = ("put", "rls-services/users/alice/index", str(file))
    assert xcap(config, *put) == 1
    assert "sip:bob@example.com is a service or a user already" in capfd.readouterr().err
    config.write_text(config.read_text() + '\n[accounts]\nchecker = "memory:bob:secret"\n')
    assert xcap(config, *put) == 0


def test_noDomain(config: Path, lists: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert xcap(config, "put", INDEX, str(lists)) == 0
    config.write_text(config.read_text().replace('domains = ["example.com"]', ""))
    assert xcap(config, "list") == 1
    assert "has no domain" in capfd.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_whatRootMakesBelongsToTheServer(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Root reads what is to be put, the server's user puts it."""
    with tempfile.TemporaryDirectory(prefix="sipapp-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        file, state, lists = (directory / each for each in ("sipapp.toml", "state", "lists.xml"))
        file.write_text(
            f'[server]\nuser = "nobody"\ndomains = ["example.com"]\nstate_directory = "{state}"\n'
            '[[listen]]\naddress = "127.0.0.1"\nport = 0\ntransport = "http"\n'
            'resources = ["xcap"]\n'
        )
        lists.write_bytes(LISTS)
        lists.chmod(0o600)
        assert xcap(file, "put", INDEX, str(lists)) == 0
        assert xcap(file, "get", INDEX) == 0
        assert capfdbinary.readouterr() == (LISTS, b"")
        assert {each.stat().st_uid for each in (state, *state.iterdir())} == {65534}


def test_whatIsChangedIsWrittenDown(config: Path, lists: Path) -> None:
    assert xcap(config, "put", INDEX, str(lists)) == 0
    assert xcap(config, "get", INDEX) == 0
    assert xcap(config, "delete", INDEX, "--if-match", "another") == 1
    text = (config.parent / "state" / "audit.log").read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert [(each["method"], each["parameters"], "fault" in each) for each in entries] == [
        ("xcap.put", {"path": INDEX, "if_match": None, "bytes": len(LISTS)}, False),
        ("xcap.delete", {"path": INDEX, "if_match": "another"}, True),
    ]
