"""Why a call of a method has no result. Codes are those of JSON-RPC 2.0 §5.1 where it has one, as
XML-RPC has none of its own ("Specification for Fault Code Interoperability" took them up), and
those of HTTP for the rest."""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "Conflict",
    "Fault",
    "Forbidden",
    "InternalError",
    "InvalidParameters",
    "InvalidRequest",
    "NoSuchMethod",
    "NotFound",
    "NotWellFormed",
    "TooMuch",
    "Unavailable",
]


class Fault(Exception):
    """Something that the caller of a method is to be told instead of a result.

    A kind of fault is a class. One that comes from elsewhere, with a code of which there is none
    here, is of this one.

    @cvar kindCode: the code of a kind.
    @ivar code: what kind it is, for programs.
    @ivar text: what is wrong, for people. It may quote what somebody has sent: what is no UTF-8 is
        escaped.
    """

    kindCode: ClassVar[int] = 500

    def __init__(self, text: str, code: int | None = None) -> None:
        """
        @param code: if it is not that of the kind.
        """
        self.text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        super().__init__(self.text)
        self.code = self.kindCode if code is None else code

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class NotWellFormed(Fault):
    """What has come cannot be read."""

    kindCode = -32700


class InvalidRequest(Fault):
    """What has come can be read, and is no call."""

    kindCode = -32600


class NoSuchMethod(Fault):
    """There is no method of this name."""

    kindCode = -32601


class InvalidParameters(Fault):
    """The method takes others, or does not take these values."""

    kindCode = -32602


class InternalError(Fault):
    """The method has failed. Why is in the log, and not for everybody."""

    kindCode = -32603


class Forbidden(Fault):
    """The role of who calls is not enough."""

    kindCode = 403


class NotFound(Fault):
    """There is no such thing as the parameters name."""

    kindCode = 404


class Conflict(Fault):
    """It cannot be done as things are."""

    kindCode = 409


class TooMuch(Fault):
    """More than is taken, or given, at once."""

    kindCode = 413


class Unavailable(Fault):
    """It cannot be done now: who has to do it is gone, does not answer, or stops."""

    kindCode = 503
