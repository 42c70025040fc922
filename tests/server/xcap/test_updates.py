"""Clients that change one document at the same time."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.xcap.stage import DOCUMENT, ELEMENT, TYPE, client, lists, start
from bench.xcap.updates import run

#: C{make bench-xcap LINES=updates} takes longer.
SECONDS = 3.0
CLIENTS = 8
ENTRIES = 25


@pytest.mark.slow
def test_noUpdateIsLost(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Eight clients read, change and write back if nobody has been faster, on four workers: every
    update that was made is in the document, and every 412 was for one that came too late.
    """
    outcome = run(tmp_path_factory.mktemp("updates"), SECONDS, CLIENTS)
    assert outcome.faults == []
    assert outcome.done
    assert outcome.refused
    assert outcome.workers > 1


@pytest.mark.slow
def test_noInsertionIsLost(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without a condition the server sees to it: whoever adds an entry to a list takes none of
    another one out, and nobody has to try again.
    """
    stage = start(tmp_path_factory.mktemp("insertions"), workers=4)

    def insert(number: int) -> list[int]:
        """Add some entries.

        @return: the statuses.
        """
        statuses = []
        for count in range(ENTRIES):
            uri = f"sip:{number}-{count}@example.com"
            target = f"{DOCUMENT}/~~/resource-lists/list/entry%5b@uri=%22{uri}%22%5d"
            with client(stage.xcap) as connection:
                entry = f'<entry uri="{uri}"/>'.encode()
                statuses.append(connection.put(target, ELEMENT, entry).status)
        return statuses

    try:
        with client(stage.xcap) as reader, ThreadPoolExecutor(CLIENTS) as threads:
            assert reader.put(DOCUMENT, TYPE, lists("<list/>")).status == 201
            for statuses in threads.map(insert, range(CLIENTS)):
                assert statuses == [201] * ENTRIES
            found = re.findall(r'uri="sip:(\d+)-(\d+)@', reader.get(DOCUMENT).text)
    finally:
        stage.server.end()
    assert len(found) == CLIENTS * ENTRIES
    # Those of one client are in the order in which it has added them.
    for number in range(CLIENTS):
        ours = [int(count) for each, count in found if int(each) == number]
        assert ours == list(range(ENTRIES))
