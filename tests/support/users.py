"""Users with passwords, in the accounts of a server that has not been started yet."""

from __future__ import annotations

from collections.abc import Mapping

from sipapp.rpc import Role
from sipapp.storage import newAccount
from sipapp.storage.accountfile import AccountFile
from tests.support.configuration import DOMAIN, Configuration


def addUsers(
    configuration: Configuration,
    passwords: Mapping[str, str],
    realm: str = DOMAIN,
    role: Role | None = None,
) -> None:
    """
    @param passwords: by the names of the users.
    """
    configuration.stateDirectory.mkdir(parents=True, exist_ok=True)
    with AccountFile(configuration.stateDirectory / "accounts.db") as file:
        file.add(*(newAccount(name, realm, password, role) for name, password in passwords.items()))
