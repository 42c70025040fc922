"""What a slot does, whatever happens: its states, its inputs and the table that rules it.

- C{STOPPED}: no process, none wanted.
- C{STARTING}: there is a process that has not said Ready. The timer is the patience with it.
- C{FAILING}: the process has failed (it said so, or patience ran out) and is about to exit. The
  timer is for one that does not.
- C{READY}: the process serves. The timer is the patience with one that gives no sign of life.
- C{STUCK}: the process has given none. The timer is the time that it has to say where it hangs.
- C{BACKING_OFF}: the process is gone and the next one waits for the timer, twice as long each
  time. A process that served long enough makes the slot start over with the shortest wait. One
  that an operator has ended did nothing wrong, nor one that served and was ended by a SIGKILL that
  is not ours, as the kernel's for want of memory. The next one waits the shortest time, however
  often that happens.
- C{PARKED}: the processes crashed one after the other; others do their work, and no more is
  started until the pool is replaced. No timer.
- C{LEAVING}: others have taken the place of the process; it finishes its work, and no other is
  started here. No timer: whoever told it to leave will tell it to stop.
- C{DRAINING}: no process is wanted any more. The timer is the patience with the one there is.
"""

from __future__ import annotations

STOPPED = "stopped"
STARTING = "starting"
FAILING = "failing"
READY = "ready"
STUCK = "stuck"
BACKING_OFF = "backing off"
PARKED = "parked"
LEAVING = "leaving"
DRAINING = "draining"

START = "start"
PARK = "park"
LEAVE = "leave"
STOP = "stop"
SAID_READY = "said ready"
SAID_FAILED = "said failed"
ALIVE = "alive"
EXITED = "exited"
CRASH_LOOP = "crash loop"
TIMER = "timer"

# STATE -> INPUT -> (next state, actions). An empty action list with the same state is an input
# that is tolerated; an input that is not listed is impossible.
TABLE: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    STOPPED: {
        START: (STARTING, ("launch", "awaitReady")),
        # An earlier image of the parent has parked it.
        PARK: (PARKED, ()),
        LEAVE: (STOPPED, ()),
        STOP: (STOPPED, ("announceStopped",)),
        # It was stopped for the same crash.
        CRASH_LOOP: (STOPPED, ()),
    },
    STARTING: {
        SAID_READY: (READY, ("awaitAlive", "announceReady")),
        SAID_FAILED: (FAILING, ("awaitExit", "announceFailed")),
        EXITED: (
            BACKING_OFF,
            ("countCrash", "announceExit", "announceFailed", "backOff", "retryOrPark"),
        ),
        TIMER: (FAILING, ("kill", "announceLate")),
        # It serves nobody yet and need not begin.
        LEAVE: (DRAINING, ("terminate", "awaitExit")),
        STOP: (DRAINING, ("terminate", "awaitExit")),
    },
    FAILING: {
        EXITED: (BACKING_OFF, ("announceExit", "backOff", "retryOrPark")),
        TIMER: (FAILING, ("kill",)),
        LEAVE: (DRAINING, ("terminate", "awaitExit")),
        STOP: (DRAINING, ("terminate", "awaitExit")),
        # It has been killed for being late, but the words were on their way.
        SAID_READY: (FAILING, ()),
        SAID_FAILED: (FAILING, ()),
        ALIVE: (FAILING, ()),
    },
    READY: {
        ALIVE: (READY, ("awaitAlive",)),
        TIMER: (STUCK, ("dumpStack", "awaitStack")),
        EXITED: (
            BACKING_OFF,
            ("countCrash", "announceExit", "announceCrash", "backOff", "retryOrPark"),
        ),
        # A worker may find out later that it cannot go on.
        SAID_FAILED: (FAILING, ("awaitExit", "announceCrash")),
        LEAVE: (LEAVING, ("cancelTimer",)),
        STOP: (DRAINING, ("drain", "awaitDrained")),
        SAID_READY: (READY, ()),
    },
    STUCK: {
        # It was only slow, or nobody had listened to it.
        ALIVE: (READY, ("announceAlive", "awaitAlive")),
        TIMER: (FAILING, ("countCrash", "kill", "awaitExit")),
        EXITED: (
            BACKING_OFF,
            ("countCrash", "announceExit", "announceCrash", "backOff", "retryOrPark"),
        ),
        SAID_FAILED: (FAILING, ("awaitExit", "announceCrash")),
        # It would not hear a kinder word.
        LEAVE: (DRAINING, ("kill", "awaitExit")),
        STOP: (DRAINING, ("kill", "awaitExit")),
    },
    BACKING_OFF: {
        TIMER: (STARTING, ("countRestart", "launch", "awaitReady")),
        LEAVE: (STOPPED, ("cancelTimer", "announceStopped")),
        STOP: (STOPPED, ("cancelTimer", "announceStopped")),
        CRASH_LOOP: (PARKED, ("cancelTimer", "announceParked")),
    },
    PARKED: {
        LEAVE: (STOPPED, ("announceStopped",)),
        STOP: (STOPPED, ("announceStopped",)),
    },
    LEAVING: {
        EXITED: (STOPPED, ("announceExit", "announceCrash", "announceStopped")),
        SAID_FAILED: (DRAINING, ("awaitExit", "announceCrash")),
        ALIVE: (LEAVING, ()),
        LEAVE: (LEAVING, ()),
        STOP: (DRAINING, ("drain", "awaitDrained")),
        SAID_READY: (LEAVING, ()),
    },
    DRAINING: {
        EXITED: (STOPPED, ("cancelTimer", "announceExit", "announceStopped")),
        TIMER: (DRAINING, ("kill",)),
        ALIVE: (DRAINING, ()),
        LEAVE: (DRAINING, ()),
        STOP: (DRAINING, ()),
        SAID_READY: (DRAINING, ()),
        SAID_FAILED: (DRAINING, ()),
    },
}
