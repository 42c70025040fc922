"""What every provider of call records promises, as tests to derive from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from sipapp.interfaces import ICallRecords
from sipapp.resources.calls import CallRecord

KEY = {"callID": "a84b4c76e66710", "tags": ("1928301774", "a6c85cf")}
INVITED = CallRecord(
    **KEY,
    caller="sip:alice@example.com",
    callee="sip:b\u00f6b@example.com",
    user="alice@example.com",
    source="udp 192.0.2.1:5060",
    worker="udp-0/1",
    started=1_800_000_000.25,
    answered=1_800_000_004.5,
    status=200,
)
HUNG_UP = CallRecord(**KEY, ended=1_800_000_100.0)
WHOLE = CallRecord(
    **{name: getattr(INVITED, name) for name in CallRecord.__struct_fields__ if name != "ended"},
    ended=HUNG_UP.ended,
)


class Worker:
    """An IWorker as far as providers know one."""

    def __init__(self, directory: Path) -> None:
        self.stateDirectory = str(directory)


class CallRecordsContract:
    """
    @ivar directory: the state directory.
    """

    @abstractmethod
    def make(self) -> Any:
        """
        @return: a provider for L{directory}.
        """

    @abstractmethod
    def kept(self) -> list[CallRecord]:
        """
        @return: what is kept, read by other means, parts merged.
        """

    @pytest.fixture(autouse=True)
    def _directory(self, tmp_path: Path) -> None:
        self.directory = tmp_path

    def write(self, *batches: Sequence[CallRecord]) -> list[CallRecord]:
        """Have a provider of its own write each batch."""
        for batch in batches:
            provider = self.make()
            provider.start()
            provider.write(batch)
            provider.stop()
        return self.kept()

    def test_provides(self) -> None:
        assert ICallRecords.providedBy(self.make())

    def test_inAnyOrder(self) -> None:
        for order in permutations([INVITED, HUNG_UP]):
            assert self.write(order) == [WHOLE]

    def test_fromSeveralWorkers(self) -> None:
        assert self.write([HUNG_UP], [INVITED]) == [WHOLE]

    def test_atTheSameTime(self) -> None:
        providers = [self.make() for _ in range(4)]
        for provider in providers:
            provider.start()

        def work(number: int) -> None:
            for count in range(25):
                key = f"{number}-{count}"
                providers[number].write([CallRecord(callID=key, tags=("", "x" * 200), status=486)])

        with ThreadPoolExecutor() as pool:
            list(pool.map(work, range(4)))
        for provider in providers:
            provider.stop()
        assert len({record.callID for record in self.kept()}) == 100

    def test_whoReadsIt(self) -> None:
        """Who has called whom is nobody's business."""
        self.write([INVITED])
        (mode,) = {path.stat().st_mode & 0o777 for path in self.directory.iterdir()}
        assert mode == 0o600
