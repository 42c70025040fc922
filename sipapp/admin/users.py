"""C{sipappctl user}: adds, removes and shows the users of a server, and sets their passwords and
roles.

It works on the database itself, whether the server runs or not; one that runs sees the change at
the next request. A password is asked for, or read from standard input. It is in no argument, since
those are there for everybody on the machine to see.
"""

from __future__ import annotations

import os
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from getpass import GetPassWarning, getpass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sipapp.admin.audited import audited
from sipapp.admin.options import configured
from sipapp.admin.tables import Column, present
from sipapp.config import ConfigurationError, Settings, loadTables, ownerOf
from sipapp.ownership import Owner, asOwner, makeOwned
from sipapp.storage import (
    ROLES,
    Account,
    AccountExists,
    AccountFile,
    NoSuchAccount,
    Role,
    SQLiteFileUnusable,
    newAccount,
)

__all__ = ["addUserCommand"]

_Action = Callable[[AccountFile, Namespace], None]

_COLUMNS = (Column("USER", "user"), Column("REALM", "realm"), Column("ROLE", "role"))

_NOTHING = "none"
"""What the role of somebody is called who has none."""


class _Refused(Exception):
    """What was asked for cannot be done, for the reason given."""


def addUserCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    user = commands.add_parser("user", help="add, remove and list users, set passwords and roles")
    actions = user.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, act: _Action, about: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=about, parents=[configured()])
        parser.set_defaults(run=lambda given: _run(act, given))
        return parser

    adding = action("add", _add, "add a user")
    changing = action("password", _setPassword, "set the password of a user")
    appointing = action("role", _setRole, "set what a user may do with the server itself")
    removing = action("remove", _remove, "remove a user")
    for parser in (adding, changing, appointing, removing):
        parser.add_argument("user", metavar="NAME[@REALM]")
        parser.add_argument(
            "--realm", help="what users log in to; by default the first of [server] domains"
        )
    for parser in (adding, changing):
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from standard input, a line, instead of asking for it",
        )
    adding.add_argument("--role", choices=ROLES, help="what the user may do with the server itself")
    appointing.add_argument(
        "role", choices=(*ROLES, _NOTHING), metavar="ROLE", help=f"{', '.join(ROLES)} or {_NOTHING}"
    )
    listing = action("list", _list, "show users, their realms and roles")
    listing.add_argument("realm", nargs="?", metavar="REALM", help="show those of this realm only")
    listing.add_argument("--json", action="store_true", help="for programs")


def _run(act: _Action, given: Namespace) -> int:
    try:
        settings = loadTables(given.config, "server", "accounts", "administration")
        checker = settings.accounts.checker
        if checker is not None:
            print(
                f"sipappctl: note that {settings.file} has users checked by {checker} instead",
                file=sys.stderr,
            )
        if given.action != "list":
            given.name, given.realm = _nameAndRealm(given, settings)
        owner = ownerOf(settings.server)
        if given.action == "add":
            _make(settings, owner)
        asOwner(owner, partial(_do, act, settings, given))
    except (
        AccountExists,
        ConfigurationError,
        NoSuchAccount,
        OSError,
        SQLiteFileUnusable,
        UnicodeEncodeError,
        _Refused,
    ) as error:
        print(f"sipappctl: {error}", file=sys.stderr)
        return 1
    return 0


def _nameAndRealm(given: Namespace, settings: Settings) -> tuple[str, str]:
    if given.realm is not None:
        return given.user, given.realm
    name, at, realm = given.user.rpartition("@")
    if at:
        return name, realm
    if settings.server.domains:
        return given.user, settings.server.domains[0]
    raise _Refused(f"the realm is missing: {given.user}@REALM")


def _make(settings: Settings, owner: Owner) -> None:
    """Make the file if there is none, as the server would."""
    directory, path = Path(settings.server.stateDirectory), Path(settings.accountsPath)
    if path.parent == directory:
        make = partial(directory.mkdir, mode=0o700, parents=True, exist_ok=True)
        makeOwned(directory, owner, make)
    makeOwned(path, owner, partial(AccountFile.create, path))


def _do(act: _Action, settings: Settings, given: Namespace) -> None:
    path = settings.accountsPath
    # One in another directory may have been meant.
    if not os.path.exists(path):
        raise _Refused(f"there is no {path} yet")
    with ExitStack() as opened:
        file = opened.enter_context(AccountFile(path))
        if given.action != "list":
            parameters = {"user": given.name, "realm": given.realm}
            if "role" in given:
                parameters["role"] = given.role
            opened.enter_context(audited(settings, f"user.{given.action}", parameters))
        act(file, given)


def _add(file: AccountFile, given: Namespace) -> None:
    if file.find(given.name, given.realm) is not None:
        raise AccountExists(given.name, given.realm)
    file.add(_account(given, given.role))


def _setPassword(file: AccountFile, given: Namespace) -> None:
    account = file.find(given.name, given.realm)
    if account is None:
        raise NoSuchAccount(given.name, given.realm)
    file.replace(_account(given, account.role))


def _setRole(file: AccountFile, given: Namespace) -> None:
    account = file.find(given.name, given.realm)
    if account is None:
        raise NoSuchAccount(given.name, given.realm)
    file.replace(replace(account, role=None if given.role == _NOTHING else given.role))


def _remove(file: AccountFile, given: Namespace) -> None:
    file.remove(given.name, given.realm)


def _list(file: AccountFile, given: Namespace) -> None:
    rows = [
        {"user": account.username, "realm": account.realm, "role": account.role}
        for account in file.accounts(given.realm)
    ]
    present(_COLUMNS, [rows], given.json)


def _account(given: Namespace, role: Role | None) -> Account:
    try:
        return newAccount(given.name, given.realm, _password(given), role)
    except ValueError as error:
        raise _Refused(str(error)) from error


def _password(given: Namespace) -> str:
    if given.password_stdin:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    try:
        with warnings.catch_warnings():
            # Rather than show what is typed.
            warnings.simplefilter("error", GetPassWarning)
            password = getpass(f"Password of {given.name} of {given.realm}: ")
            again = getpass("Once more: ")
    except GetPassWarning:
        raise _Refused("there is no terminal to ask at: use --password-stdin") from None
    except (EOFError, KeyboardInterrupt):
        raise _Refused("no password was given") from None
    if password != again:
        raise _Refused("that was not twice the same")
    return password
