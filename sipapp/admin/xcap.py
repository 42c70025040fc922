"""C{sipappctl xcap}: lists the documents of XCAP, reads them, and changes them.

It works on the documents themselves, whether the server runs or not, by the rules that they have
for their users: what no user could store, it does not store either. A server that runs sees a
change at the next request.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.python.failure import Failure

from sipapp.admin.audited import audited
from sipapp.admin.options import configured
from sipapp.admin.tables import Column, present
from sipapp.config import ConfigurationError, Settings, loadSettings, ownerOf
from sipapp.ownership import asOwner, makeOwned
from sipapp.plugins import resourceTypes
from sipapp.resources.xcap.domains import Domains
from sipapp.storage import (
    DocumentChanged,
    DocumentFile,
    DocumentsUnavailable,
    OwnAccounts,
    SQLiteAccounts,
    SQLiteDocuments,
    SQLiteFileUnusable,
)
from sipapp.storage.documentaccess import carryOut, lookUp
from sipapp.xcap.conditions import Conditions
from sipapp.xcap.errors import XCAPError
from sipapp.xcap.names import canonicalXUI
from sipapp.xcap.operations import Change, Target
from sipapp.xcap.registry import NoSuchUsage, applicationUsages
from sipapp.xcap.root import XCAPRoot
from sipapp.xcap.selector import parseSelector

__all__ = ["addXCAPCommand"]

Result = TypeVar("Result")


def _moment(modified: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(modified))


_COLUMNS = (
    Column("DOCUMENT", "path"),
    Column("SIZE", "size", isNumber=True),
    Column("ETAG", "etag"),
    Column("MODIFIED", "modified", _moment),
)


class _Refused(Exception):
    """What was asked for cannot be done, for the reason given."""


class _Place:
    """What a command is about, in the documents of a server.

    @ivar settings: C{[resource.xcap]}.
    @ivar domain: of users that are called by their name alone.
    """

    def __init__(self, settings: Settings, documents: SQLiteDocuments) -> None:
        self.settings = settings.resource["xcap"]
        self.domain = _domain(settings)
        path, usages = self.settings.path, applicationUsages(self.settings.usages)
        domains = Domains(settings.server.domains, self.domain, self.settings.realms)
        isUser = partial(_isUser, settings, domains)
        self.root = XCAPRoot(f"/{path}".rstrip("/"), usages, documents, isUser)

    def target(self, written: str) -> Target:
        """
        @param written: what follows the root in a URI.
        """
        path, _, query = written.partition("?")
        return Target.of(parseSelector(path, query), self.root, self.domain)


_Action = Callable[[_Place, Namespace], None]


def addXCAPCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    xcap = commands.add_parser("xcap", help="list, read and change the documents of users")
    actions = xcap.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, act: _Action, about: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=about, parents=[configured()])
        parser.set_defaults(run=lambda given: _run(act, given))
        return parser

    listing = action("list", _list, "show documents, their size, entity tag and age")
    listing.add_argument("--usage", metavar="AUID", help="show those of one application usage")
    listing.add_argument("--user", help="show those of one user")
    listing.add_argument("--json", action="store_true", help="for programs")
    reading = action("get", _get, "write a document, element or attribute to standard output")
    putting = action("put", _put, "make or replace a document, element or attribute")
    deleting = action("delete", _delete, "remove a document, element or attribute")
    for parser in (reading, putting, deleting):
        parser.add_argument(
            "path",
            metavar="PATH",
            help="what follows the XCAP root in a URI: resource-lists/users/NAME/index",
        )
    putting.add_argument("file", metavar="FILE", help="what to put; - is standard input")
    for parser in (putting, deleting):
        parser.add_argument(
            "--if-match",
            metavar="ETAG",
            dest="etag",
            help="change nothing if the document has another entity tag; with or without quotes",
        )


def _run(act: _Action, given: Namespace) -> int:
    try:
        settings = loadSettings(given.config, resourceTypes())
        if "xcap" not in settings.resource:
            raise _Refused(f"no endpoint of {settings.file} has the resource xcap")
        if given.action == "put":
            given.content = _content(given.file)
            _make(settings)
        asOwner(ownerOf(settings.server), partial(_do, act, settings, given))
    except (
        ConfigurationError,
        DocumentChanged,
        DocumentsUnavailable,
        NoSuchUsage,
        OSError,
        SQLiteFileUnusable,
        UnicodeEncodeError,
        UnicodeError,
        XCAPError,
        sqlite3.Error,
        _Refused,
    ) as error:
        print(f"sipappctl: {error}", file=sys.stderr)
        return 1
    return 0


def _content(file: str) -> bytes:
    """Read what to put as who has asked for it, whoever puts it."""
    if file != "-":
        return Path(file).read_bytes()
    if sys.stdin is None:
        raise _Refused("there is no standard input")
    return sys.stdin.buffer.read()


def _make(settings: Settings) -> None:
    """Make the file if there is none, as the server would."""
    owner = ownerOf(settings.server)
    directory, path = Path(settings.server.stateDirectory), Path(settings.documentsPath)
    make = partial(directory.mkdir, mode=0o700, parents=True, exist_ok=True)
    makeOwned(directory, owner, make)
    makeOwned(path, owner, partial(DocumentFile.create, path))


def _do(act: _Action, settings: Settings, given: Namespace) -> None:
    path = settings.documentsPath
    # One in another directory may have been meant.
    if not os.path.exists(path):
        raise _Refused(f"there is no {path} yet")
    documents = SQLiteDocuments(path, inThread=execute)
    try:
        place = _Place(settings, documents)
        with _noted(settings, given):
            act(place, given)
    finally:
        documents.close()


def _noted(settings: Settings, given: Namespace) -> AbstractContextManager[None]:
    if given.action not in ("put", "delete"):
        return nullcontext()
    parameters = {"path": given.path, "if_match": given.etag}
    if given.action == "put":
        parameters["bytes"] = len(given.content)
    return audited(settings, f"xcap.{given.action}", parameters)


def _domain(settings: Settings) -> str:
    domain: str | None = settings.resource["xcap"].domain
    if domain is not None:
        return domain
    if settings.server.domains:
        return settings.server.domains[0]
    raise _Refused(f"{settings.file} has no domain: neither the server nor xcap")


def _isUser(settings: Settings, domains: Domains, uri: str) -> bool:
    """
    @return: as L{XCAPRoot.isUser}.
    """
    path = settings.accountsPath
    if settings.accounts.checker is not None or not os.path.exists(path):
        return False
    accounts = SQLiteAccounts(path)
    try:
        return domains.isUser(uri, OwnAccounts(accounts))
    finally:
        accounts.close()


def _list(place: _Place, given: Namespace) -> None:
    xui = None if given.user is None else canonicalXUI(given.user, place.domain)
    entries = _outcome(place.root.documents.entries(given.usage, xui))
    usages = place.root.usages
    # There may be documents of one that is not served any more.
    if given.usage is not None and given.usage not in usages and not entries:
        raise NoSuchUsage(given.usage, usages)
    rows = [
        {
            "path": entry.name.toPath(),
            "size": entry.size,
            "etag": entry.etag,
            "modified": entry.modified,
        }
        for entry in entries
    ]
    present(_COLUMNS, [rows], given.json)


def _get(place: _Place, given: Namespace) -> None:
    looking = lookUp(place.target(given.path), place.root, Conditions((), ()))
    found = _outcome(Deferred.fromCoroutine(looking))
    sys.stdout.buffer.write(found.content)
    sys.stdout.buffer.flush()


def _put(place: _Place, given: Namespace) -> None:
    _change(place, given, given.content)


def _delete(place: _Place, given: Namespace) -> None:
    _change(place, given, None)


def _change(place: _Place, given: Namespace, content: bytes | None) -> None:
    match = () if given.etag is None else ('"{}"'.format(given.etag.strip('"')).encode(),)
    conditions, settings = Conditions(match, ()), place.settings
    change = Change(place.target(given.path), content, conditions, settings.documentSize)
    changing = carryOut(change, place.root, settings.documentsPerUser)
    _outcome(Deferred.fromCoroutine(changing))


def _outcome(done: Deferred[Result]) -> Result:
    """
    @param done: has its result: nothing here is done in a thread.
    """
    results: list[Any] = []
    done.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    outcome: Result = result
    return outcome
