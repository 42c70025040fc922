"""C{location.*}"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock

from sipapp.admin.methods.location import LocationMethods
from sipapp.config import Plan, Settings, parseSettings, resolve
from sipapp.location import Binding, LocationMaintenance
from sipapp.location.bindingfile import BindingFile
from sipapp.plugins import resourceTypes
from tests.admin.methods.outcomes import Called, inThisThread, outcome
from tests.location.contract import START, binding, to

ALICE = "sip:alice@example.com"
DESK = "sip:alice@192.0.2.1"

CONFIGURATION = """
[server]
domains = ["example.com", "example.net"]
[[listen]]
address = "127.0.0.1"
port = 5070
"""
REGISTRAR = "[resource.registrar]\nmax_contacts = 2\n"


def configured(text: str = CONFIGURATION + REGISTRAR) -> tuple[Settings, Plan]:
    settings = parseSettings(text, "sipapp.toml", resourceTypes())
    return settings, resolve(settings)


class Store:
    """A store, and the methods that work on it."""

    def __init__(self, path: Path) -> None:
        self.now = START
        self.maintenance = LocationMaintenance(
            path / "location", Clock(), 3600, 1 << 24, lambda: self.now, inThisThread, "this boot"
        )
        methods = LocationMethods(self.maintenance, configured, lambda: self.now)
        self.call = Called(path, location=methods)

    def bind(self, aor: str, *bindings: Binding) -> None:
        outcome(self.maintenance.use(lambda file: file.apply([(aor, to(*bindings))], START)))

    def contacts(self, aor: str = ALICE) -> list[str]:
        return [row["contact"] for row in self.call("location.lookup", aor)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    made.maintenance.startService()
    yield made
    if made.maintenance.running:
        made.maintenance.stopService()


def test_bytesThatAreNoUTF8(store: Store) -> None:
    """An address-of-record may have them, escaped."""
    shown = r"sip:\xff@example.com"
    [added] = store.call("location.add", "%ff", "sip:alice@192.0.2.9")
    assert added["aor"] == shown
    assert store.call("location.lookup", "%ff") == [added]
    assert [row["aor"] for row in store.call("location.dump")["rows"]] == [shown]
    assert store.call("location.remove", "%FF") == []
    assert r"\udcff" in store.call.fault(404, "location.remove", "%ff")


def test_lookup(store: Store) -> None:
    store.bind(
        ALICE,
        binding(
            callID="c1",
            cseq=3,
            path=("<sip:edge.example.com;lr>",),
            viaFlow=True,
            instance="<urn:uuid:1>",
            regID=1,
            userAgent="Phone",
            updated=START,
        ),
        binding("sip:alice@192.0.2.2", lasts=60, q=0.5),
    )
    store.now += 90
    assert store.call("location.lookup", ALICE) == [
        {
            "aor": ALICE,
            "contact": DESK,
            "expires": 3510.0,
            "q": 1.0,
            "call_id": "c1",
            "cseq": 3,
            "path": ["<sip:edge.example.com;lr>"],
            "via_flow": True,
            "instance": "<urn:uuid:1>",
            "reg_id": 1,
            "user_agent": "Phone",
            "updated": START,
        }
    ]


@pytest.mark.parametrize(
    "named",
    [ALICE, "alice", "alice@example.com", "sips:alice@EXAMPLE.com", "sip:%61lice@example.com"],
)
def test_names(store: Store, named: str) -> None:
    """Whoever is meant is found as he would be by a call."""
    store.bind(ALICE, binding())
    assert store.contacts(named) == [DESK]


def test_addAndRemove(store: Store) -> None:
    (row,) = store.call("location.add", "alice", DESK)
    assert (row["contact"], row["expires"], row["q"]) == (DESK, 3600.0, 1.0)
    assert row["user_agent"] == "added by root"
    second = store.call(
        "location.add", aor="alice", contact="sip:alice@192.0.2.2", expires=9, q=0.1
    )
    assert [each["contact"] for each in second] == [DESK, "sip:alice@192.0.2.2"]
    # The same contact, written otherwise (RFC 3261 §19.1.4).
    again = store.call("location.add", "alice", "sip:%61lice@192.0.2.1", 60)
    assert [each["expires"] for each in again] == [60.0, 9.0]
    refused = store.call.fault(409, "location.add", "alice", "sip:alice@192.0.2.3")
    assert refused == f"{ALICE} has 2 contacts, and may have 2"
    left = store.call("location.remove", "alice", DESK)
    assert [each["contact"] for each in left] == ["sip:alice@192.0.2.2"]
    store.call.fault(404, "location.remove", "alice", DESK)
    assert store.call("location.remove", "alice") == []
    store.call.fault(404, "location.remove", "alice")
    # A phone with two flows has one contact.
    store.bind(ALICE, *(binding(instance="<urn:x>", regID=number) for number in (1, 2)))
    assert store.contacts() == [DESK, DESK]
    assert store.call("location.remove", "alice", DESK) == []
    assert store.call("location.count") == 0


def test_aPhoneRefreshesIt(store: Store) -> None:
    """What was added by hand is no reason to refuse the phone."""
    from sipapp.location.binding import indexOf
    from sipapp.sip import parseURI

    store.call("location.add", "alice", f"{DESK};transport=tcp")
    (added,) = outcome(store.maintenance.use(lambda file: file.read(ALICE)))
    assert (added.callID, added.cseq) == ("", 0)
    assert indexOf(parseURI(f"{DESK};transport=TCP"), (added,)) == 0


@pytest.mark.parametrize(
    ("code", "aor", "contact"),
    [
        (404, "sip:alice@elsewhere.example.org", DESK),
        (-32602, "", DESK),
        (-32602, "sip:", DESK),
        (-32602, "tel:+1234", DESK),
        (-32602, "al ice", DESK),
        (-32602, "alice", ""),
        (-32602, "alice", "192.0.2.1"),
        (-32602, "alice", "*"),
        (-32602, "alice", f"{DESK}\r\nVia: a"),
        (-32602, "alice", f"{DESK};x={'y' * 5000}"),
        (403, "alice", "sip:bob@example.net"),
        (403, "alice", "sip:bob@example.net:5070"),
        (403, "alice", "sip:bob@127.0.0.1:5070;transport=tcp"),
        (403, "alice", "sip:bob@192.0.2.1:5070;maddr=127.0.0.1"),
    ],
)
def test_refused(store: Store, code: int, aor: str, contact: str) -> None:
    store.call.fault(code, "location.add", aor, contact)
    assert store.call("location.count") == 0


def test_anAddressIsADomain(store: Store) -> None:
    """One that is listened at. The port is no part of the user."""
    [added] = store.call("location.add", "sip:alice@127.0.0.1:5070", DESK)
    assert added["aor"] == "sip:alice@127.0.0.1"
    assert store.contacts(added["aor"]) == [DESK]
    assert store.call("location.lookup", added["aor"]) == [added]
    store.call.fault(404, "location.add", "sip:alice@127.0.0.1:5099", DESK)
    store.call.fault(404, "location.add", "sip:alice@192.0.2.9", DESK)


def test_dump(store: Store) -> None:
    names = [f"sip:{n:02}@example.com" for n in range(25)]
    for name in names:
        store.bind(name, binding())
    store.bind("sip:gone@example.com", binding(lasts=1))
    store.now += 2
    rows: list[Any] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        page = store.call("location.dump", 10, cursor)
        rows += page["rows"]
        cursor = page["cursor"]
        pages += 1
    assert pages == 3
    assert [row["aor"] for row in rows] == names
    assert {row["contact"] for row in rows} == {DESK}
    for wrong in ("abc", "####", "é"):
        store.call.fault(-32602, "location.dump", 10, wrong)
    store.call.fault(-32602, "location.dump", 0)
    store.call.fault(-32602, "location.dump", 100_000)


def test_full(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.maintenance._mapSize = 1 << 20
    store.maintenance.startService()

    def fill(file: BindingFile) -> None:
        for n in range(100):
            changes = [(f"sip:{n}.{m}@example.com", to(binding())) for m in range(100)]
            file.apply(changes, START)

    outcome(store.maintenance.use(fill))
    assert "map size" in store.call.fault(409, "location.add", "alice", DESK)
    store.maintenance.stopService()


def test_notOpen(store: Store) -> None:
    store.maintenance.stopService()
    assert "not open" in store.call.fault(503, "location.count")


def test_inMemory(tmp_path: Path) -> None:
    call = Called(tmp_path, location=LocationMethods(None, configured))
    assert "memory" in call.fault(503, "location.count")


def test_withoutARegistrar(store: Store) -> None:
    text = CONFIGURATION + 'resources = ["proxy"]\n'
    methods = LocationMethods(store.maintenance, lambda: configured(text), lambda: store.now)
    call = Called(store.call.auditLog.parent, location=methods)
    for n in range(10):
        call("location.add", "alice", f"sip:alice@192.0.2.{n}")
    call.fault(409, "location.add", "alice", "sip:alice@192.0.2.11")


def test_aStoreThatTakesNothing(store: Store) -> None:
    """A broken disk, or a full one, is told as what it is."""
    outcome(store.maintenance.use(BindingFile.close))
    text = store.call.fault(503, "location.add", ALICE, DESK)
    assert text.startswith("the location store ")
