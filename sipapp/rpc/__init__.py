"""Methods to call from elsewhere: what they are and who may call them, what becomes of a call, and
how it is written in JSON-RPC 2.0 and in XML-RPC.

Clients need no Twisted: L{sipapp.rpc.methods}, which makes the calls, is not imported here."""

from sipapp.rpc.caller import Caller, Door
from sipapp.rpc.description import MethodDescription, Parameter, TypeName
from sipapp.rpc.fault import (
    Conflict,
    Fault,
    Forbidden,
    InternalError,
    InvalidParameters,
    InvalidRequest,
    NoSuchMethod,
    NotFound,
    NotWellFormed,
    TooMuch,
    Unavailable,
)
from sipapp.rpc.method import Secret, method
from sipapp.rpc.role import ROLES, Role, covers
from sipapp.rpc.stream import Stream

__all__ = [
    "ROLES",
    "Caller",
    "Conflict",
    "Door",
    "Fault",
    "Forbidden",
    "InternalError",
    "InvalidParameters",
    "InvalidRequest",
    "MethodDescription",
    "NoSuchMethod",
    "NotFound",
    "NotWellFormed",
    "Parameter",
    "Role",
    "Secret",
    "Stream",
    "TooMuch",
    "TypeName",
    "Unavailable",
    "covers",
    "method",
]
