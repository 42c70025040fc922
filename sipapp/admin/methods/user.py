"""C{user.*}: who has an account here, and what they may do with the server itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sipapp.config import Settings
from sipapp.rpc import Conflict, InvalidParameters, NotFound, Secret, Unavailable, method
from sipapp.storage import (
    Account,
    AccountExists,
    AccountFile,
    NoSuchAccount,
    Role,
    SQLiteFileUnusable,
    newAccount,
)

__all__ = ["UserEntry", "UserMethods"]

T = TypeVar("T")


class UserEntry(Struct, frozen=True):
    """A user.

    @ivar user: the name. @ivar realm: what it is a name in; usually the domain.
    @ivar role: what the user may do with the server itself; C{None} is nothing.
    """

    user: str
    realm: str
    role: Role | None


class UserMethods:
    """Works on the file of accounts, in threads of the parent; the workers see it at once."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        inThread: Callable[..., Deferred[Any]] = deferToThread,
    ) -> None:
        """
        @param settings: gives those that are in force.
        @param inThread: runs a function where it may block.
        """
        self._settings = settings
        self._inThread = inThread

    @method(role="operator", name="list")
    async def entries(self, realm: str | None = None) -> list[UserEntry]:
        """Show users, their realms and roles.

        realm: shows those of this realm only.
        """
        accounts = await self._do(lambda file: file.accounts(realm))
        return [_entry(each) for each in accounts]

    @method(role="admin", changes=True)
    async def add(
        self, user: str, password: Secret, realm: str | None = None, role: Role | None = None
    ) -> UserEntry:
        """Add a user.

        realm: what the user logs in to; the server's first domain if it is left out. role: what the
        user may do with the server itself: viewer, operator or admin; nothing if it is left out.
        """
        account = self._account(user, self._realm(realm), password, role)
        await self._do(lambda file: file.add(account))
        return _entry(account)

    @method(role="admin", changes=True)
    async def password(self, user: str, password: Secret, realm: str | None = None) -> UserEntry:
        """Set the password of a user.

        realm: as for user.add.
        """
        made = self._account(user, self._realm(realm), password, None)
        return await self._alter(made.username, made.realm, digests=made.digests)

    @method(role="admin", changes=True)
    async def role(
        self,
        user: str,
        role: Literal["viewer", "operator", "admin", "none"],
        realm: str | None = None,
    ) -> UserEntry:
        """Set what a user may do with the server itself.

        role: viewer, operator, admin, or none. realm: as for user.add.
        """
        return await self._alter(user, realm, role=None if role == "none" else role)

    @method(role="admin", changes=True)
    async def remove(self, user: str, realm: str | None = None) -> None:
        """Remove a user. Registrations stay until they expire.

        realm: as for user.add.
        """
        where = self._realm(realm)
        await self._do(lambda file: file.remove(user, where))

    async def _alter(self, user: str, realm: str | None, **changed: Any) -> UserEntry:
        where = self._realm(realm)

        def alter(file: AccountFile) -> Account:
            account = file.find(user, where)
            if account is None:
                raise NoSuchAccount(user, where)
            altered = replace(account, **changed)
            file.replace(altered)
            return altered

        return _entry(await self._do(alter))

    def _realm(self, realm: str | None) -> str:
        domains = self._settings().server.domains
        if realm is None and not domains:
            raise InvalidParameters("realm: it is missing, and the server has no domain")
        return domains[0] if realm is None else realm

    def _account(self, user: str, realm: str, password: str, role: Role | None) -> Account:
        try:
            return newAccount(user, realm, password, role)
        except ValueError as error:
            raise InvalidParameters(str(error)) from None

    async def _do(self, job: Callable[[AccountFile], T]) -> T:
        settings = self._settings()
        checker = settings.accounts.checker
        if checker is not None:
            raise Unavailable(f"users are checked by {checker}, which is not changed from here")
        done: Deferred[T] = self._inThread(partial(_inFile, settings.accountsPath, job))
        try:
            return await done
        except AccountExists as error:
            raise Conflict(str(error)) from None
        except NoSuchAccount as error:
            raise NotFound(str(error)) from None
        except (SQLiteFileUnusable, OSError) as error:
            raise Unavailable(str(error)) from None


def _inFile(path: str, job: Callable[[AccountFile], T]) -> T:
    with AccountFile(path) as file:
        return job(file)


def _entry(account: Account) -> UserEntry:
    return UserEntry(account.username, account.realm, account.role)
