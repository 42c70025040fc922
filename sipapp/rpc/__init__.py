"""Methods to call from elsewhere, as values: what they are, what becomes of a call, and how it is
written in JSON-RPC 2.0 and in XML-RPC."""

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
from sipapp.rpc.role import ROLES, Role, covers

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
    "TooMuch",
    "TypeName",
    "Unavailable",
    "covers",
]
