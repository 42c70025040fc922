"""The methods of a real server over HTTP: who may call what, and what is written down about it."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest

from sipapp.rpc import Fault
from sipapp.rpc import xmlrpc as paper
from tests.conftest import ServerStarter
from tests.server.test_door import client
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.digest import Digest
from tests.support.httpclient import HTTPClient
from tests.support.httptext import Answer
from tests.support.server import Server
from tests.support.users import addUsers

PATH = "/RPC2"
VIEWERS = "127.0.0.2"

PLUGIN = '''
    """Methods of a plugin."""

    from sipapp.resources.xmlrpc import MethodsMaker
    from sipapp.rpc import Caller, Conflict, method


    class Doorbell:
        def __init__(self, worker):
            self._worker = worker
            self._rung = 0

        @method()
        def rung(self) -> int:
            """Tell how often it has rung."""
            return self._rung

        @method(role="operator", changes=True)
        async def ring(self, caller: Caller, times: int = 1) -> str:
            """Ring."""
            if times < 0:
                raise Conflict("what has rung has rung")
            self._rung += times
            return f"{caller.name} rings at {self._worker.name.partition('/')[0]}"

        @method(role="operator", changes=True)
        def fall(self) -> None:
            """Fall off the wall."""
            raise OSError("gravity")


    doorbell = MethodsMaker("doorbell", Doorbell)
'''


class Operator:
    """Somebody who calls methods by JSON-RPC."""

    def __init__(self, server: Server, name: str | None = None, source: str = "") -> None:
        """
        @param name: of the account, which is the password as well.
        """
        user = None if name is None else Digest(name, name)
        self.http = HTTPClient(server.endpoint("http").address, user, source=source)

    def post(self, body: bytes, mimeType: str = "application/json") -> Answer:
        return self.http.ask("POST", PATH, [("Content-Type", mimeType)], body)

    def answer(self, method: str, *parameters: Any) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = self.post(json.dumps(message).encode())
        assert answer.status == 200, answer
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def call(self, method: str, *parameters: Any) -> Any:
        return self.answer(method, *parameters)["result"]

    def fault(self, method: str, *parameters: Any) -> tuple[int, str]:
        error = self.answer(method, *parameters)["error"]
        return error["code"], error["message"]


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    configuration = sharedConfiguration
    configuration.listen("udp", workers=2)
    configuration.listen("http", workers=1, resources=["xmlrpc"])
    configuration.table("resource.xmlrpc", viewers=[VIEWERS])
    addUsers(configuration, {"alice": "alice", "anna": "anna"}, role="operator")
    addUsers(configuration, {"victor": "victor"}, role="viewer")
    addUsers(configuration, {"nobody": "nobody"})
    plugins = configuration.directory / "installed" / "sipapp" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "doorbell_plugin.py").write_text(textwrap.dedent(PLUGIN))
    return startSharedServer(configuration, environment={"PYTHONPATH": str(plugins.parents[1])})


def audited(server: Server) -> list[dict[str, Any]]:
    log = server.configuration.stateDirectory / "audit.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_methods(server: Server) -> None:
    alice = Operator(server, "alice")
    methods = alice.call("system.listMethods")
    assert {"system.multicall", "doorbell.ring", "ban.add"} <= set(methods)
    assert methods == sorted(methods)
    assert alice.call("system.methodSignature", "doorbell.ring") == [["string", "int"], ["string"]]
    assert "Ring." in alice.call("system.methodHelp", "doorbell.ring")
    assert alice.fault("system.methodHelp", "doorbell.paint")[0] == -32601
    assert alice.fault("doorbell.paint")[0] == -32601
    assert alice.fault("no.such")[0] == -32601
    # One of the parent, one of the plugin.
    assert isinstance(alice.call("ban.list"), list)
    assert alice.call("doorbell.ring") == "alice rings at http-0"
    assert alice.fault("doorbell.ring", "often")[0] == -32602
    assert alice.fault("doorbell.fall")[0] == -32603


def test_onTheMachine(server: Server) -> None:
    """What a plugin has can be called there as well."""
    with client(server) as door:
        names = [each["name"] for each in door.call("system.describe")]
        assert {"doorbell.ring", "pool.list"} <= set(names)
        assert len(names) == len(set(names))
        assert door.call("doorbell.ring", [2]).endswith(" rings at http-0")
        with pytest.raises(Fault, match=r"^409 what has rung has rung$"):
            door.call("doorbell.ring", [-1])
        with pytest.raises(Fault, match=r"^-32601 "):
            door.call("doorbell.paint")

    def written() -> list[Any]:
        calls = [each for each in audited(server) if each["door"] == "unix"]
        return [each["parameters"] for each in calls if each["method"] == "doorbell.ring"]

    waitFor(lambda: written() == [{"times": 2}, {"times": -1}], "it is written down")


def test_restart(server: Server) -> None:
    """Who restarts the worker that he asks is answered by it."""
    alice, before = Operator(server, "alice"), server.workers()
    restarted = {"restarted": ["http-0/0"], "left": {}}
    assert alice.call("pool.restart", "http-0") == restarted
    assert alice.call("worker.restart", "http-0/0") == restarted
    after = server.workers()
    assert after["http-0/0"] != before["http-0/0"]
    assert after["udp-0/0"] == before["udp-0/0"]


def test_audit(server: Server) -> None:
    anna, victor = Operator(server, "anna"), Operator(server, "victor")
    before = anna.call("doorbell.rung")
    anna.call("ban.add", "192.0.2.7")
    anna.call("doorbell.ring", 2)
    anna.fault("doorbell.ring", -1)
    assert victor.fault("doorbell.ring")[0] == 403
    assert anna.call("doorbell.rung") == before + 2

    def written() -> list[dict[str, Any]]:
        return [each for each in audited(server) if each["who"] in ("anna", "victor")]

    waitFor(lambda: len(written()) == 4, "all is written down")
    added, rung, refused, forbidden = written()
    assert (added["method"], added["who"], added["door"]) == ("ban.add", "anna", "jsonrpc")
    assert (rung["method"], rung["parameters"], rung["source"]) == (
        "doorbell.ring",
        {"times": 2},
        "127.0.0.1",
    )
    assert rung["result"] == "anna rings at http-0"
    assert refused["fault"] == {"code": 409, "text": "what has rung has rung"}
    assert (forbidden["who"], forbidden["fault"]["code"]) == ("victor", 403)


def test_strangers(server: Server) -> None:
    for each in (Operator(server), Operator(server, "alicf")):
        answer = each.post(b"{}")
        assert answer.status == 401
        assert f'realm="{DOMAIN}"' in answer.getAll("www-authenticate")[0]
    assert Operator(server, "nobody").post(b"{}").status == 403


def test_viewers(server: Server) -> None:
    """They look without a login, and log in for more."""
    assert "doorbell.ring" in Operator(server, source=VIEWERS).call("system.listMethods")
    inside = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "system.multicall",
            "params": [[{"methodName": "doorbell.rung"}, {"methodName": "doorbell.ring"}]],
        }
    )
    stranger = Operator(server, source=VIEWERS)
    assert stranger.post(inside.encode()).status == 401
    # As curl does before it says anything.
    assert stranger.post(b"").status == 401
    assert not [each for each in audited(server) if each["source"] == VIEWERS]
    alice = Operator(server, "alice", source=VIEWERS)
    assert alice.call("doorbell.ring") == "alice rings at http-0"


def test_xml(server: Server) -> None:
    alice = Operator(server, "alice")
    body = b"<methodCall><methodName>doorbell.rung</methodName></methodCall>"
    answer = alice.post(body, "text/xml")
    assert answer.status == 200
    assert answer.get("content-type") == "text/xml; charset=utf-8"
    assert answer.body == paper.encodeResult(alice.call("doorbell.rung"))
    assert b"DOCTYPE" in alice.post(b"<!DOCTYPE a>" + body, "text/xml").body


def test_otherThings(server: Server) -> None:
    alice = Operator(server, "alice")
    assert alice.post(b"a=b", "application/x-www-form-urlencoded").status == 415
    assert alice.post(b"{}", "application/json; charset=latin-1").status == 415
    assert alice.post(b"{}", "text/plain").status == 415
    asked = alice.http.get(PATH)
    assert (asked.status, asked.get("allow")) == (405, "OPTIONS, POST")
    assert alice.http.ask("POST", f"{PATH}/more", [("Content-Type", "text/xml")], b"").status == 404
    assert alice.post(b" " * 2_000_000).status == 413
    assert json.loads(alice.post(b"{").body)["error"]["code"] == -32700


def test_batches(server: Server) -> None:
    alice = Operator(server, "alice")
    before = alice.call("doorbell.rung")
    call = {"jsonrpc": "2.0", "method": "doorbell.ring"}
    batch = json.dumps([call, {**call, "id": "a"}, {**call, "id": 2, "params": {"time": 1}}, 1])
    answer = alice.post(batch.encode())
    first, second, third = json.loads(answer.body)
    assert (first["id"], first["result"]) == ("a", "alice rings at http-0")
    assert (second["id"], second["error"]["code"]) == (2, -32602)
    assert (third["id"], third["error"]["code"]) == (None, -32600)
    silent = alice.post(json.dumps([call, call]).encode())
    assert (silent.status, silent.body, silent.get("content-length")) == (204, b"", None)
    assert alice.call("doorbell.rung") == before + 4
