"""What there is in the console: names for those who operate the server, and C{help} for who is new
there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from twisted.internet.defer import Deferred

from sipapp.admin.manhole.display import Text, tableOf
from sipapp.admin.manhole.methodspaces import Call, MethodSpace, methodSpaces
from sipapp.admin.manhole.settingsview import SettingsView
from sipapp.admin.methods.workforce import Kind, WorkerEntry, Workforce
from sipapp.config import Settings
from sipapp.evaluation import Answer, Leave
from sipapp.rpc import Fault, MethodDescription, NotFound

__all__ = ["TIMEOUT", "namespaceOf"]

#: Seconds that a worker may take to evaluate something.
TIMEOUT = 60.0

HELP = """\
This is Python, in the parent process of the server. What you type is run at once and written to the
audit log. Type a name to see what it is, TAB to complete it, help(name) to read about it.

  pools                              the pools, and how their workers are
  workers                            all workers; worker("udp-0/2") is one of them
  settings                           the configuration in force: settings.sip.t1
  {namespaces}
                                     the methods of the server: pool.resize("udp-0", 4)

  worker("udp-0/2").eval("…")        runs Python in a worker, which it knows as "worker"
  everywhere("…")                    runs it in all of them: everywhere("worker.name", kind="sip")
  worker("udp-0/2").shell()          a console in that worker, until exit()

What is to be waited for is waited for; Ctrl-C gives it up. _ is the last value. exit() or Ctrl-D
leaves. Something that takes long stops the process meanwhile: a worker that hangs is replaced."""


class _Worker:
    """A worker.

    eval("…") runs Python in it: an expression, whose value is shown, or statements.
    shell() is a console in it, until exit().
    """

    def __init__(self, entry: WorkerEntry, workforce: Workforce, enter: Callable[[str], None]):
        self.name = entry.name
        self.pool = entry.pool
        self.pid = entry.pid
        self.state = entry.state
        self.restarts = entry.restarts
        self._workforce = workforce
        self._enter = enter

    def eval(self, source: str) -> Deferred[Text]:
        """Run Python in this worker."""
        asked = self._workforce.ask(self.name, "eval", timeout=TIMEOUT, source=source)
        return asked.addCallback(lambda found: Text(Answer(*found).output))

    def shell(self) -> None:
        """Go on in a console of this worker."""
        self._enter(self.name)

    def __repr__(self) -> str:
        return f"<worker {self.name}: {self.state}, pid {self.pid}, {self.restarts} restarts>"


class _Workers:
    """All workers. workers["udp-0/2"] is one of them."""

    def __init__(self, workforce: Workforce, enter: Callable[[str], None]) -> None:
        self._workforce = workforce
        self._enter = enter

    def __getitem__(self, name: str) -> _Worker:
        for each in self._workforce.states():
            if each.name == name:
                return _Worker(each, self._workforce, self._enter)
        raise NotFound(f"there is no worker {name!r}")

    def __iter__(self) -> Iterator[_Worker]:
        return (_Worker(e, self._workforce, self._enter) for e in self._workforce.states())

    def __len__(self) -> int:
        return len(self._workforce.states())

    def __repr__(self) -> str:
        return tableOf(
            [
                {
                    "worker": each.name,
                    "pid": each.pid,
                    "state": each.state,
                    "restarts": each.restarts,
                    "last reason": each.reason,
                }
                for each in self._workforce.states()
            ]
        )


class _Pools:
    """The pools. pools["udp-0"] are the workers of one."""

    def __init__(self, workforce: Workforce, workers: _Workers) -> None:
        self._workforce = workforce
        self._workers = workers

    def __getitem__(self, name: str) -> list[_Worker]:
        found = [each for each in self._workers if each.pool == name]
        if not found:
            raise NotFound(f"there is no pool {name!r}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter({each.pool: None for each in self._workforce.states()})

    def __repr__(self) -> str:
        pools: dict[str, list[WorkerEntry]] = {}
        for each in self._workforce.states():
            pools.setdefault(each.pool, []).append(each)
        return tableOf(
            [
                {
                    "pool": name,
                    "kind": members[0].kind,
                    "workers": len(members),
                    "ready": sum(each.state == "ready" for each in members),
                    "restarts": sum(each.restarts for each in members),
                }
                for name, members in pools.items()
            ]
        )


class _WorkerSpace(MethodSpace):
    """The methods about workers; and worker("udp-0/2") is one."""

    def __init__(
        self, descriptions: Sequence[MethodDescription], call: Call, workers: _Workers
    ) -> None:
        super().__init__("worker", descriptions, call)
        self._workers = workers

    def __call__(self, name: str) -> _Worker:
        return self._workers[name]


def namespaceOf(
    descriptions: Sequence[MethodDescription],
    call: Call,
    workforce: Workforce,
    settings: Callable[[], Settings],
    enter: Callable[[str], None],
) -> dict[str, Any]:
    """
    @param descriptions: of the methods of the server.
    @param call: calls them for who is at the console.
    @param settings: gives the configuration in force.
    @param enter: goes on in a console of a worker, by its name.
    @return: what there is in a console.
    """
    workers = _Workers(workforce, enter)
    spaces = methodSpaces(descriptions, call)
    ofWorkers = [each for each in descriptions if each.name.startswith("worker.")]

    def everywhere(
        source: str, kind: Kind | None = None, pool: str | None = None
    ) -> Deferred[Text]:
        """Run Python in all workers, or in those of a kind, "sip" or "web", or of a pool."""
        asked = workforce.askAll("eval", kind=kind, pool=pool, timeout=TIMEOUT, source=source)
        return asked.addCallback(_together)

    def help(about: Any = None) -> Text:
        """Say what there is, or what something is."""
        if about is None:
            return Text(HELP.format(namespaces=", ".join(sorted(spaces))))
        if isinstance(about, MethodSpace):
            return Text(repr(about))
        return Text(inspect.getdoc(about) or repr(about))

    def leave() -> NoReturn:
        """Leave the console."""
        raise Leave

    return {
        **spaces,
        "everywhere": everywhere,
        "exit": leave,
        "help": help,
        "pools": _Pools(workforce, workers),
        "quit": leave,
        "settings": SettingsView(settings),
        "worker": _WorkerSpace(ofWorkers, call, workers),
        "workers": workers,
    }


def _together(answers: dict[str, Any]) -> Text:
    lines = []
    for name, answer in answers.items():
        output = answer.text if isinstance(answer, Fault) else Answer(*answer).output
        first, *more = output.rstrip("\n").split("\n")
        lines += [f"{name}: {first}", *(f"    {each}" for each in more)]
    return Text("\n".join(lines))
