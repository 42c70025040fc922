"""The door for those who are on the machine, by its own socket."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from sipapp.admin.door import UnixDoor
from sipapp.admin.methods import Caller, Methods, Stream, method
from sipapp.admin.methods.audit import Audit


class Things:
    def __init__(self) -> None:
        self.waiting: Deferred[str] = Deferred()
        self.streams: list[Stream] = []
        self.closed: Deferred[None] = Deferred()

    @method()
    def who(self, caller: Caller) -> Caller:
        """Say who asks."""
        return caller

    @method()
    def wait(self) -> Deferred[str]:
        """Wait."""
        waiting: Deferred[str] = Deferred()
        self.waiting.addCallback(lambda result: waiting.callback(result) or result)
        return waiting

    @method()
    def follow(self, stream: Stream) -> int:
        """Follow."""
        stream.whenClosed().chainDeferred(self.closed)
        self.streams.append(stream)
        return len(self.streams)


class Peer:
    """Who speaks to the door."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(40)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")

    async def write(self, *lines: Any) -> None:
        written = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines]
        await deferToThread(self._socket.sendall, b"".join(each + b"\n" for each in written))

    async def read(self) -> Any:
        line = await deferToThread(self._file.readline)
        return json.loads(line) if line else None

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def call(identifier: int, name: str, *parameters: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identifier, "method": name, "params": parameters}


async def waitUntil(condition: Callable[[], bool]) -> None:
    """Let the reactor run until something is so."""
    while not condition():
        await deferLater(reactor, 0.01)


class Place:
    def __init__(self, directory: Path) -> None:
        self.path = directory / "control.sock"
        self.things = Things()
        self.methods = Methods({"thing": self.things}, Audit(directory / "audit.log"))
        self.door = UnixDoor(self.path, self.methods, reactor)


@pytest_twisted.async_yield_fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    made.door.startService()
    yield made
    await made.door.stopService()


@pytest_twisted.async_yield_fixture
async def peer(place: Place) -> AsyncIterator[Peer]:
    made = await deferToThread(Peer, place.path)
    yield made
    made.close()


@ensureDeferred
async def test_whoIsThere(place: Place, peer: Peer) -> None:
    await peer.write(call(1, "thing.who"))
    answer = await peer.read()
    result = answer.pop("result")
    assert answer == {"jsonrpc": "2.0", "id": 1}
    assert result.pop("name")
    source = f"pid {os.getpid()}"
    assert result == {"role": "admin", "source": source, "door": "unix", "through": ""}
    assert place.path.stat().st_mode & 0o777 == 0o600


@ensureDeferred
async def test_answersComeWhenTheyAreThere(place: Place, peer: Peer) -> None:
    await peer.write(call(1, "thing.wait"), call(2, "thing.who"), call(3, "thing.nothing"))
    second, third = await peer.read(), await peer.read()
    assert second["id"] == 2
    assert third == {
        "jsonrpc": "2.0",
        "id": 3,
        "error": {"code": -32601, "message": "there is no method 'thing.nothing'"},
    }
    place.things.waiting.callback("x" * 500_000)
    first = await peer.read()
    assert (first["id"], len(first["result"])) == (1, 500_000)


@ensureDeferred
async def test_batchesAndNotifications(peer: Peer) -> None:
    silent = {"jsonrpc": "2.0", "method": "thing.who"}
    await peer.write(silent, b"", [silent], [call(1, "thing.who"), silent, call(2, "no"), 3])
    answers = await peer.read()
    assert [each.get("id") for each in answers] == [1, 2, None]
    assert [each.get("error", {}).get("code") for each in answers] == [None, -32601, -32600]


@ensureDeferred
async def test_whatIsNoCall(peer: Peer) -> None:
    await peer.write(b"hello", {"jsonrpc": "1.0", "id": 1, "method": "thing.who"})
    assert [(await peer.read())["error"]["code"] for _ in range(2)] == [-32700, -32600]
    await peer.write(call(1, "thing.who"))
    assert (await peer.read())["id"] == 1


@ensureDeferred
async def test_aLineWithoutEnd(place: Place, peer: Peer) -> None:
    def write() -> None:
        try:
            peer._socket.sendall(b"[" * (2 << 20))
        except OSError:
            return

    await deferToThread(write)
    try:
        assert await peer.read() is None
    except ConnectionError:
        # It was not all read.
        return


@ensureDeferred
async def test_noMoreIsReadThanCanBeAnswered(place: Place, peer: Peer) -> None:
    for number in range(32):
        await peer.write(call(number, "thing.wait"))
    await waitUntil(lambda: place.methods.underWay == 32)
    await peer.write(call(32, "thing.who"))
    # Whoever else comes is heard.
    other = await deferToThread(Peer, place.path)
    await other.write(call(1, "thing.who"))
    assert (await other.read())["id"] == 1
    other.close()
    place.things.waiting.callback("done")
    answers = [await peer.read() for _ in range(33)]
    assert sorted(each["id"] for each in answers) == list(range(33))
    assert answers[-1]["id"] == 32


@ensureDeferred
async def test_aStreamUntilItsReaderLeaves(place: Place, peer: Peer) -> None:
    await peer.write(call(1, "thing.follow"))
    assert (await peer.read())["result"] == 1
    [stream] = place.things.streams
    stream.send({"n": 1})
    stream.send([2])
    sent = [await peer.read() for _ in range(2)]
    assert sent == [
        {"jsonrpc": "2.0", "method": "thing.follow", "params": {"n": 1}},
        {"jsonrpc": "2.0", "method": "thing.follow", "params": [2]},
    ]
    peer.close()
    await place.things.closed
    stream.send({"n": 3})


@ensureDeferred
async def test_aStreamIsFullWhileNobodyReads(place: Place, peer: Peer) -> None:
    await peer.write(call(1, "thing.follow"))
    await peer.read()
    [stream] = place.things.streams
    sent = 0
    while not stream.isFull:
        stream.send(["x" * 10_000])
        sent += 1
    for _ in range(sent):
        await peer.read()
    # What is written now is read at once.
    await peer.write(call(2, "thing.who"))
    assert (await peer.read())["id"] == 2
    assert not stream.isFull


@ensureDeferred
async def test_streamsAreEndedForAnotherImage(place: Place, peer: Peer) -> None:
    await peer.write(call(1, "thing.follow"))
    await peer.read()
    assert not place.door.endStreams()
    assert await peer.read() is None
    await place.things.closed
    assert place.door.endStreams()


@ensureDeferred
async def test_whoDoesNotReadKeepsNoImageWaiting(place: Place, peer: Peer) -> None:
    await peer.write(call(1, "thing.follow"))
    await peer.read()
    [stream] = place.things.streams
    # More than the kernel takes for somebody who does not read.
    stream.send(["x" * 4_000_000])
    assert not place.door.endStreams()
    await place.things.closed
    assert place.door.endStreams()


@ensureDeferred
async def test_theSocketIsTidiedUp(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place.path))
    place.door.startService()
    peer = await deferToThread(Peer, place.path)
    await peer.write(call(1, "thing.who"))
    assert (await peer.read())["id"] == 1
    await place.door.stopService()
    assert await peer.read() is None
    peer.close()
    assert not place.path.exists()
