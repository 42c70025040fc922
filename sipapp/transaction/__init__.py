"""Transactions (RFC 3261 §17): requests that are answered exactly once over any network.

The room does no input or output, and takes the time as an argument. L{TransactionLayer} is the
way in; C{docs/transactions.md} has the state machines.
"""

from sipapp.transaction.client import ClientTransaction
from sipapp.transaction.identifiers import Identifiers
from sipapp.transaction.layer import TransactionLayer
from sipapp.transaction.machine import BranchInUse, ImpossibleEvent, TransactionError
from sipapp.transaction.matching import (
    ServerKey,
    clientKey,
    keyDigest,
    requestDigests,
    responseKey,
    serverKey,
)
from sipapp.transaction.parties import ClientUser, Flow, ServerUser, TransactionUser
from sipapp.transaction.server import ServerTransaction
from sipapp.transaction.timers import TimerSettings

__all__ = [
    "BranchInUse",
    "ClientTransaction",
    "ClientUser",
    "Flow",
    "Identifiers",
    "ImpossibleEvent",
    "ServerKey",
    "ServerTransaction",
    "ServerUser",
    "TimerSettings",
    "TransactionError",
    "TransactionLayer",
    "TransactionUser",
    "clientKey",
    "keyDigest",
    "requestDigests",
    "responseKey",
    "serverKey",
]
