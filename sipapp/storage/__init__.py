"""What the workers of a machine must agree on, other than registrations: accounts, nonce counts,
bans.
"""

from sipapp.storage.account import (
    ROLES,
    Account,
    AccountExists,
    NoSuchAccount,
    Role,
    newAccount,
)
from sipapp.storage.accountchecker import AccountChecker
from sipapp.storage.accountfile import AccountFile, AccountFileUnusable, createAccountFile
from sipapp.storage.accounts import CheckedAccounts, Decided, OwnAccounts
from sipapp.storage.accountstore import SQLiteAccounts
from sipapp.storage.digestanswer import DigestAnswer, IDigestAnswer
from sipapp.storage.memoryaccounts import MemoryAccounts

__all__ = [
    "ROLES",
    "Account",
    "AccountChecker",
    "AccountExists",
    "AccountFile",
    "AccountFileUnusable",
    "CheckedAccounts",
    "Decided",
    "DigestAnswer",
    "IDigestAnswer",
    "MemoryAccounts",
    "NoSuchAccount",
    "OwnAccounts",
    "Role",
    "SQLiteAccounts",
    "createAccountFile",
    "newAccount",
]
