"""What every means is told on its command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Arguments:
    """
    @ivar target: the name of a target.
    @ivar seconds: how long to go on.
    @ivar directory: of this target, for what the next campaign can begin with.
    @ivar note: the file of L{tests.fuzz.trial.Trials}.
    """

    target: str
    seconds: int
    directory: Path
    note: Path

    @classmethod
    def read(cls) -> Arguments:
        target, seconds, directory, note = sys.argv[1:]
        return cls(target, int(seconds), Path(directory), Path(note))

    def write(self) -> list[str]:
        return [self.target, str(self.seconds), str(self.directory), str(self.note)]
