"""Clients that read one document, change it and write it back if it is still the one that they have
read, all at the same time, on several workers."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.usage import Usage
from bench.xcap.stage import DOCUMENT, ELEMENT, TYPE, client, lists, start
from tests.support.siptext import Address

#: Requests after which a client opens another connection, so that it comes to other workers.
_REQUESTS = 20
#: Processor seconds that a worker has to take to have served anybody.
_SERVED = 0.02

_COUNT = re.compile(rb"<display-name>(\d+)</display-name>")
_COUNTER = f"{DOCUMENT}/~~/resource-lists/list/display-name"
_FIRST = lists("<list><display-name>0</display-name></list>")


@dataclass(frozen=True)
class Update:
    """An attempt to write.

    @ivar sent: when, by the clock of all clients. @ivar answered: when the answer was there.
    @ivar condition: the entity tag of what was read. @ivar etag: that of what was written.
    """

    sent: float
    answered: float
    condition: str
    status: int
    etag: str | None


@dataclass(frozen=True)
class Outcome:
    """What has come of it.

    @ivar done: updates that were made. @ivar refused: those that came too late.
    @ivar workers: how many have served clients.
    """

    clients: int
    workers: int
    seconds: float
    done: int
    refused: int
    faults: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return "updates"


def run(directory: Path, seconds: float, clients: int = 8, workers: int = 4) -> Outcome:
    """
    @param directory: an empty one, for everything that the server writes.
    """
    stage = start(directory, workers)
    try:
        with client(stage.xcap) as reader:
            first = reader.put(DOCUMENT, TYPE, _FIRST).etag
            before = Usage(stage.server.pid)
            updates = _update(stage.xcap, clients, seconds)
            took = Usage(stage.server.pid).eachSince(before)
            last = reader.get(DOCUMENT)
        served = [pid for pid in stage.workers(ofXCAP=True) if took.get(pid, 0.0) > _SERVED]
        return Outcome(
            clients,
            len(served),
            seconds,
            done=sum(update.status == 200 for update in updates),
            refused=sum(update.status == 412 for update in updates),
            faults=faults(updates, first, last.etag, _countIn(last.body)),
        )
    finally:
        stage.server.end()


def faults(updates: Collection[Update], first: str, last: str, count: int) -> list[str]:
    """Compare what the server has said with what it has done.

    @param first: the entity tag of the document at the beginning. @param last: at the end.
    @param count: the number in it at the end: how many updates are in it.
    @return: what is wrong; nothing if no update was lost and each refusal had its reason.
    """
    done = [update for update in updates if update.status == 200]
    following = {update.condition: update for update in done}
    found = [
        f"{update.status} instead of 200 or 412"
        for update in updates
        if update.status not in (200, 412)
    ]
    if len(following) < len(done):
        found.append(f"{len(done) - len(following)} updates of what had been updated already")
    if count != len(done):
        found.append(f"{len(done)} updates were made, {count} are in the document")
    etag, length = first, 0
    while etag in following and length < len(done):
        etag, length = following[etag].etag or "", length + 1
    if (etag, length) != (last, len(done)):
        found.append(f"only {length} of {len(done)} updates follow one another")
    for update in updates:
        if update.status == 412:
            # Somebody else must have been faster, and not only afterwards.
            winner = following.get(update.condition)
            if winner is None or winner.sent > update.answered:
                found.append(f"412 although {update.condition} was the tag of the document")
    return found


def _update(address: Address, clients: int, seconds: float) -> Sequence[Update]:
    end = time.monotonic() + seconds
    updates: list[Update] = []
    errors: list[Exception] = []

    def one(number: int) -> None:
        try:
            # Half of them write the document, half of them one element of it.
            _readModifyWrite(address, end, number % 2 == 0, updates)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise ExceptionGroup("clients have failed", errors)
    return updates


def _readModifyWrite(address: Address, end: float, isWhole: bool, updates: list[Update]) -> None:
    """
    @param isWhole: whether the document is written, rather than an element.
    @param updates: what was tried is added to it.
    """
    while time.monotonic() < end:
        with client(address) as connection:
            for _ in range(_REQUESTS):
                read = connection.get(DOCUMENT)
                changed = b"<display-name>%d</display-name>" % (_countIn(read.body) + 1)
                condition = [("If-Match", read.etag)]
                sent = time.monotonic()
                if isWhole:
                    body = _COUNT.sub(changed, read.body)
                    answer = connection.put(DOCUMENT, TYPE, body, condition)
                else:
                    answer = connection.put(_COUNTER, ELEMENT, changed, condition)
                answered = time.monotonic()
                etag = answer.get("etag")
                updates.append(Update(sent, answered, read.etag, answer.status, etag))


def _countIn(document: bytes) -> int:
    found = _COUNT.search(document)
    assert found is not None, document
    return int(found[1])
