"""Processes and their sockets: pools of workers that the parent starts, watches and ends."""

from .activation import PassedSockets
from .blackbox import BlackBoxPen, Name, escape
from .boot import Boot, Spawn, enterWorker, readBoot, startLogging, whyNot
from .commands import Unanswered
from .control import WorkerControl
from .desk import Desk
from .firststart import BootFailure, PoolStopped
from .heap import HeapTrim, settleHeap
from .listener import ListenerService
from .memory import MemoryWatch
from .patience import Patience
from .pool import ProcessPool
from .sockets import BindError, bindDatagram, bindInbox, bindStream, setReceiveBuffer
from .stacks import stacks
from .workerstate import WorkerState

__all__ = [
    "BindError",
    "BlackBoxPen",
    "Boot",
    "BootFailure",
    "Desk",
    "HeapTrim",
    "ListenerService",
    "MemoryWatch",
    "Name",
    "PassedSockets",
    "Patience",
    "PoolStopped",
    "ProcessPool",
    "Spawn",
    "Unanswered",
    "WorkerControl",
    "WorkerState",
    "bindDatagram",
    "bindInbox",
    "bindStream",
    "enterWorker",
    "escape",
    "readBoot",
    "setReceiveBuffer",
    "settleHeap",
    "stacks",
    "startLogging",
    "whyNot",
]
