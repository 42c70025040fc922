"""Clients that change one document at the same time."""

from __future__ import annotations

import pytest

from bench.xcap.updates import run

#: C{make bench-xcap LINES=updates} takes longer.
SECONDS = 3.0


@pytest.mark.slow
def test_noUpdateIsLost(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Eight clients read, change and write back if nobody has been faster, on four workers: every
    update that was made is in the document, and every 412 was for one that came too late.
    """
    outcome = run(tmp_path_factory.mktemp("updates"), SECONDS)
    assert outcome.faults == []
    assert outcome.done
    assert outcome.refused
    assert outcome.workers > 1
