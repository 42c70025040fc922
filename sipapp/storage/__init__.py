"""What the workers of a machine must agree on, other than registrations: accounts, nonce counts,
bans, documents.
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
from sipapp.storage.accountfile import AccountFile
from sipapp.storage.accounts import CheckedAccounts, Decided, OwnAccounts
from sipapp.storage.accountstore import SQLiteAccounts
from sipapp.storage.digestanswer import DigestAnswer, IDigestAnswer
from sipapp.storage.document import (
    ClaimTaken,
    DocumentChange,
    DocumentChanged,
    DocumentEntry,
    DocumentsUnavailable,
    StoredDocument,
    TooManyDocuments,
    entityTag,
)
from sipapp.storage.documentfile import DocumentFile
from sipapp.storage.documentstore import SQLiteDocuments
from sipapp.storage.memoryaccounts import MemoryAccounts
from sipapp.storage.memorydocuments import MemoryDocuments
from sipapp.storage.sqlitefile import SQLiteFileUnusable

__all__ = [
    "ROLES",
    "Account",
    "AccountChecker",
    "AccountExists",
    "AccountFile",
    "CheckedAccounts",
    "ClaimTaken",
    "Decided",
    "DigestAnswer",
    "DocumentChange",
    "DocumentChanged",
    "DocumentEntry",
    "DocumentFile",
    "DocumentsUnavailable",
    "IDigestAnswer",
    "MemoryAccounts",
    "MemoryDocuments",
    "NoSuchAccount",
    "OwnAccounts",
    "Role",
    "SQLiteAccounts",
    "SQLiteDocuments",
    "SQLiteFileUnusable",
    "StoredDocument",
    "TooManyDocuments",
    "entityTag",
    "newAccount",
]
