"""A worker in a process of its own: runs a few lines over a store that others have open.

python -m tests.location.otherprocess PATH MAPSIZE NOW < lines
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from sipapp.location import Binding, LMDBLocation


def main() -> None:
    path, mapSize, now = sys.argv[1:]
    reactor = Clock()
    store = LMDBLocation(
        Path(path), partial(reactor.callLater, 0), int(mapSize), lambda: float(now)
    )

    def update(aor: str, *bindings: Binding) -> None:
        store.update(aor, lambda present: bindings)
        reactor.advance(0)

    def increment(aor: str, times: int) -> None:
        """Read, add one, write; in transactions that others compete with."""

        def change(present: Any) -> Any:
            number = present[0].cseq if present else 0
            return (Binding("sip:a@192.0.2.1", float(now) + 60, cseq=number + 1),)

        for _ in range(times):
            store.update(aor, change)
            reactor.advance(0)

    def die(*_: object) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    names = {
        "Binding": Binding,
        "die": die,
        "increment": increment,
        "now": float(now),
        "reactor": reactor,
        "store": store,
        "update": update,
    }
    for line in sys.stdin:
        exec(line, names)
    store.close()


if __name__ == "__main__":
    main()
