"""Call records of a real server: parts that come from different workers, and what outlives them."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sipapp.admin.client import Client
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import sendSignal
from tests.support.siptext import Received, request, uriOf

PROVIDERS = ["calls-sqlite", "calls-file"]


def inDatabase(configuration: Configuration) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(configuration.stateDirectory / "calls.db")) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM call ORDER BY started")]
    for row in rows:
        row["tags"] = [row.pop("tag"), row.pop("other_tag")]
    return rows


def inFile(configuration: Configuration) -> list[dict[str, Any]]:
    records: dict[tuple[str, ...], dict[str, Any]] = {}
    for line in Path(configuration.stateDirectory / "calls.jsonl").read_text().splitlines():
        part = json.loads(line)
        records.setdefault((part["call_id"], *part["tags"]), {}).update(part)
    return sorted(records.values(), key=lambda record: record["started"])


def called(configuration: Configuration, *tests: Callable[[dict[str, Any]], bool]) -> bool:
    rows = inDatabase(configuration)
    return len(rows) == len(tests) and all(test(row) for test, row in zip(tests, rows, strict=True))


def hangUp(callee: Callee, invite: Received) -> bytes:
    """The BYE of who was called (RFC 3261 §12.2.1.1)."""
    return request(
        "BYE",
        uriOf(invite.get("contact")),
        via=callee.client.via(),
        fromValue=f"{invite.get('to')};tag={callee.tag}",
        toValue=invite.get("from"),
        callID=invite.callID,
        extra=[("Route", value) for value in invite.getAll("record-route")],
    )


def test_aCallOverTwoWorkers(configuration: Configuration, startServer: ServerStarter) -> None:
    """The INVITE comes to one worker and the BYE to another one; it is one record."""
    configuration.table("call_records", providers=PROVIDERS)
    configuration.listen("tcp")
    server = startServer(configuration)
    with server.connect("tcp", "tcp/0") as caller, server.connect("tcp", "tcp/1") as phone:
        assert phone.register("bob").status == 200
        callee = Callee(phone, "bob")
        call = Call(caller, f"sip:bob@{DOMAIN}")
        caller.send(call.invite())
        invite = callee.expect("INVITE", call.callID)
        callee.answer(invite)
        call.awaitFinal("INVITE")
        caller.send(call.ack())
        callee.expect("ACK", call.callID)
        phone.send(hangUp(callee, invite))
        other = Callee(caller, "caller")
        other.reply(other.expect("BYE", call.callID), 200, "OK")
        assert caller.ask("INVITE", f"sip:nobody@{DOMAIN}").status == 480
        server.stop()
        address = f"127.0.0.1:{caller.local[1]}"
    (answered, refused), others = inDatabase(configuration), inFile(configuration)
    assert answered["call_id"] == call.callID
    assert callee.tag in answered["tags"]
    assert (answered["caller"], answered["callee"]) == (
        "sip:caller@example.test",
        f"sip:bob@{DOMAIN}",
    )
    assert (answered["status"], answered["worker"]) == (200, "tcp/0")
    assert answered["source"] == f"tcp {address}"
    assert answered["started"] <= answered["answered"] <= answered["ended"]
    assert (refused["status"], refused["answered"]) == (480, None)
    assert others == [
        {name: value for name, value in row.items() if value is not None}
        for row in (answered, refused)
    ]


def test_aWorkerDies(configuration: Configuration, startServer: ServerStarter) -> None:
    """What was written stays, and the call ends with a BYE to the next one."""
    configuration.table("call_records", providers=["calls-sqlite"])
    configuration.listen("tcp", workers=1)
    server = startServer(configuration)
    pid = server.workers()["tcp-0/0"]
    with server.connect("tcp", "tcp-0/0") as caller, server.connect("tcp", "tcp-0/0") as phone:
        assert phone.register("bob").status == 200
        callee = Callee(phone, "bob")
        call = Call(caller, f"sip:bob@{DOMAIN}")
        caller.send(call.invite())
        callee.answer(callee.expect("INVITE", call.callID))
        call.awaitFinal("INVITE")
        waitFor(lambda: called(configuration, lambda row: row["ended"] is None), "the record")
        with Client(str(configuration.runDirectory / "control.sock")) as door:
            (kept,) = waitFor(lambda: door.call("stats.get", ["call_records"]), "its count")
        labels = {"pool": "tcp-0", "slot": "0", "provider": "calls-sqlite", "outcome": "kept"}
        assert kept == {"name": "call_records", "labels": labels, "value": 1}
        sendSignal(pid, signal.SIGKILL)
        waitFor(lambda: server.workers()["tcp-0/0"] not in (None, pid), "another worker")
    with server.connect("tcp", "tcp-0/0") as caller:
        call.client = caller
        caller.send(call.next("BYE"))
        waitFor(lambda: called(configuration, lambda row: row["ended"] is not None), "the end")
    server.stop()
