"""C{sipappctl completion}: has a shell complete what is typed after C{sipappctl}."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sipapp.admin.client import Client
from sipapp.admin.commands.asking import DONE, asking
from sipapp.admin.options import configured

__all__ = ["addCompletionCommand"]

_SHELLS = ("bash", "zsh")


def addCompletionCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    completion = commands.add_parser(
        "completion",
        help="write what makes a shell complete these commands",
        description='In ~/.bashrc: eval "$(sipappctl completion bash)"; in ~/.zshrc, after'
        ' compinit: eval "$(sipappctl completion zsh)". The script asks a running server for the'
        " names of its pools, workers and methods: set SIPAPP_CONFIG for it to find that.",
        parents=[configured()],
    )
    completion.add_argument(
        "what",
        choices=(*_SHELLS, *_NAMES),
        metavar="SHELL",
        help=f"{' or '.join(_SHELLS)}; or what the script asks for: {', '.join(_NAMES)}",
    )
    completion.set_defaults(run=_run)


def _run(given: Namespace) -> int:
    if given.what in _SHELLS:
        # It has this command too.
        from sipapp.admin.ctl import makeParser

        print(_script(makeParser(), given.what))
        return DONE
    return asking(_names)(given)


def _names(client: Client, given: Namespace) -> None:
    print("\n".join(_NAMES[given.what](client)))


def _script(parser: ArgumentParser, shell: str) -> str:
    # Nobody else should wait for it.
    import shtab

    completed: Mapping[str, object] = {
        "FILE": shtab.FILE,
        **{
            kind.removesuffix("s").upper(): shtab.cmd(
                f"{parser.prog} completion {kind} 2>/dev/null"
            )
            for kind in _NAMES
        },
    }
    for action in _arguments(parser):
        if isinstance(action.metavar, str) and action.metavar in completed:
            # This is how shtab is told.
            action.complete = completed[action.metavar]  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _arguments(parser: ArgumentParser) -> Iterator[argparse.Action]:
    """Those of all commands: argparse has no other way to get at them, and shtab uses it too."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _arguments(each)


def _namesOf(method: str) -> Callable[[Client], list[str]]:
    return lambda client: [str(each["name"]) for each in client.call(method, patience=2.0)]


_NAMES: Mapping[str, Callable[[Client], list[str]]] = {
    "pools": _namesOf("pool.list"),
    "workers": _namesOf("worker.list"),
    "methods": _namesOf("system.describe"),
}
"""What there is a list of, and how it is asked for."""
