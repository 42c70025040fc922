"""How the processes of a pool come into being, each with a black box for the time after it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.logger import ILogObserver, Logger

from .adoption import AdoptedWorker, Bequest, NotIdle, bequeath
from .blackbox import LABEL, BlackBox, Name, tell
from .boot import Spawn
from .desk import Desk
from .process import WorkerProcess
from .slot import Slot
from .slottable import READY


class Launcher:
    """Starts processes and keeps the black boxes of their slots."""

    log = Logger()

    def __init__(
        self,
        command: Sequence[str],
        reactor: Any,
        drainTimeout: float,
        environment: Mapping[str, str] | None = None,
        observer: ILogObserver | None = None,
        nameMessage: Callable[[bytes], Name] = lambda data: Name(ascii(data)),
        desk: Desk | None = None,
    ) -> None:
        """
        @param command: program and arguments, the same for every worker.
        @param drainTimeout: as in L{sipapp.pool.boot.Boot}.
        @param environment: of the workers; C{None} is that of this process.
        @param observer: where the output of the workers goes; C{None} is the log.
        @param nameMessage: what to call a message in the log that a worker has died of.
        @param desk: who answers the workers; C{None} is nobody.
        """
        self._command = tuple(command)
        self._reactor = reactor
        self._drainTimeout = drainTimeout
        self._environment = dict(os.environ if environment is None else environment)
        self._observer = observer
        self._nameMessage = nameMessage
        self._desk = desk
        self._boxes: dict[Slot, BlackBox] = {}

    def launch(self, slot: Slot, spawn: Spawn) -> WorkerProcess:
        """Start a process that reports to a slot.

        @raise OSError: if there is no process to be had.
        """
        if slot not in self._boxes:
            self._boxes[slot] = BlackBox()
        box = self._boxes[slot]
        box.erase()
        process = WorkerProcess(slot.name, self._reactor, slot, self._observer, self._desk)
        process.spawn(
            self._command,
            Spawn(spawn.payload, {**spawn.fds, LABEL: box.fd}),
            slot.index,
            self._drainTimeout,
            self._environment,
        )
        return process

    def bequeath(self, slot: Slot) -> Bequest:
        """Describe the process of a slot to the image that is to be executed next.

        @raise NotIdle: if it is not ready, or something is under way with it.
        """
        if slot.state != READY or slot.process is None:
            raise NotIdle(f"{slot.name} is {slot.state}")
        return bequeath(slot.process, self._boxes[slot].fd)

    def adopt(self, slot: Slot, bequest: Bequest) -> WorkerProcess:
        """Have a process of an earlier image report to a slot."""
        self._boxes[slot] = BlackBox(bequest.box)
        adopted = AdoptedWorker(slot.name, self._reactor, slot, self._observer, self._desk)
        adopted.adopt(bequest)
        return adopted

    def tellNote(self, slot: Slot, isLast: bool) -> None:
        """Log what the process of a slot was working on.

        @param isLast: true also tells what it had read last if it was working on nothing.
        """
        box = self._boxes.get(slot)
        note = box.read() if box is not None else None
        if box is not None and note is not None and (note.isInHand or isLast):
            box.erase()
            name = self._nameMessage(note.data)
            self.log.critical(
                "{note}",
                note=tell(slot.name, note, name),
                about={**name.about, "slot": slot.name},
            )

    def forget(self, slot: Slot) -> None:
        """There will be no process any more."""
        box = self._boxes.pop(slot, None)
        if box is not None:
            box.close()
