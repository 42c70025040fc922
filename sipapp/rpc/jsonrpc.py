"""JSON-RPC 2.0 (https://www.jsonrpc.org/specification), on paper, for servers and clients::

{"jsonrpc": "2.0", "id": 1, "method": "pool.resize", "params": ["udp-0", 4]}
{"jsonrpc": "2.0", "id": 1, "result": true}
{"jsonrpc": "2.0", "id": 1, "error": {"code": 404, "message": "there is no pool udp-0"}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from sipapp.rpc.bounds import MAX_CALLS, checkBounds
from sipapp.rpc.fault import Fault, InvalidRequest, NotWellFormed, TooMuch

__all__ = [
    "Answer",
    "Call",
    "Identifier",
    "Refused",
    "Requests",
    "decodeMessage",
    "decodeRequests",
    "encodeBatch",
    "encodeCall",
    "encodeFault",
    "encodeNotification",
    "encodeResult",
    "encodeShown",
]

Identifier = str | int | float | None
"""What a client tells the answers to its calls apart by."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Call(Struct, frozen=True):
    """A call of a method.

    @ivar parameters: in their order, or by their names.
    @ivar id: to be answered with. @ivar isNotification: whether there is to be no answer.
    """

    method: str
    parameters: list[Any] | dict[str, Any]
    id: Identifier = None
    isNotification: bool = False


class Refused(Struct, frozen=True):
    """What stands where a call should be.

    @ivar id: to be answered with.
    """

    fault: Fault
    id: Identifier = None


class Requests(NamedTuple):
    """What a client asks for at once.

    @ivar isBatch: whether the answers, however many, are to be one L{encodeBatch}. If it is of
        notifications alone, there is none (§6).
    """

    calls: tuple[Call | Refused, ...]
    isBatch: bool


class Answer(Struct, frozen=True):
    """What a client is told.

    @ivar fault: C{None} if there is a result.
    """

    id: Identifier
    result: Any = None
    fault: Fault | None = None


def decodeRequests(body: bytes) -> Requests:
    """Read what a client has sent.

    @raise Fault: if none of it can be read: to be answered with the id C{None}.
    """
    message = _read(body)
    if not isinstance(message, list):
        return Requests((_call(message),), False)
    if not message:
        raise InvalidRequest("the batch is empty")
    if len(message) > MAX_CALLS:
        raise TooMuch(f"there may be {MAX_CALLS} calls in a batch")
    return Requests(tuple(map(_call, message)), True)


def decodeMessage(body: bytes) -> Answer | Call:
    """Read what a server has sent.

    @return: the answer to a call, or a notification.
    @raise Fault: if it is neither.
    """
    # A server that is asked for much may answer with it: it has no bounds here.
    try:
        message = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotWellFormed("the answer is not JSON") from None
    if isinstance(message, dict) and "method" not in message:
        identifier = message.get("id")
        match message:
            case {"error": {"code": int(code), "message": str(text)}}:
                return Answer(identifier, fault=Fault(text, code))
            case {"result": result}:
                return Answer(identifier, result)
    call = _call(message)
    if isinstance(call, Refused):
        raise InvalidRequest("this is no answer of JSON-RPC 2.0")
    return call


def encodeCall(
    identifier: Identifier, method: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> bytes:
    """Write a call that wants an answer, on one line."""
    return _encode({"jsonrpc": "2.0", "id": identifier, "method": method, "params": parameters})


def encodeNotification(method: str, parameters: Sequence[Any] | Mapping[str, Any]) -> bytes:
    """Write a call without an answer, on one line."""
    return _encode({"jsonrpc": "2.0", "method": method, "params": parameters})


def encodeResult(identifier: Identifier, result: Any) -> bytes:
    """Write the result of a call, on one line.

    @param result: made of what JSON has, or what C{msgspec} makes it of: structs, sets, datetimes,
        and bytes as base64. What is no finite number is C{null}.
    @raise TypeError: if it is of anything else. @raise ValueError: likewise.
    """
    return _encode({"jsonrpc": "2.0", "id": identifier, "result": result})


def encodeFault(identifier: Identifier, fault: Fault) -> bytes:
    """Write why a call has no result, on one line."""
    error = {"code": fault.code, "message": fault.text}
    return _encode({"jsonrpc": "2.0", "id": identifier, "error": error})


def encodeShown(value: Any) -> bytes:
    """Write a value for people to read, whatever it is: what JSON does not have becomes a string of
    what Python shows of it."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError):
        return _encode(ascii(value))


def encodeBatch(answers: Iterable[bytes]) -> bytes:
    """Write the answers to the calls of a batch."""
    return b"[%b]" % b",".join(answers)


def _read(body: bytes) -> Any:
    try:
        message = _decode(body)
    except msgspec.DecodeError as error:
        raise NotWellFormed(f"this is not JSON: {error}") from None
    except UnicodeDecodeError:
        raise NotWellFormed("this is not UTF-8") from None
    except RecursionError:
        raise TooMuch("this is nested too deep") from None
    checkBounds(message)
    return message


def _call(message: Any) -> Call | Refused:
    """Find the call in what should be one (§4). What is none cannot be a notification either, so
    it is answered (§5)."""
    if not isinstance(message, dict):
        return Refused(InvalidRequest("a call is an object"))
    identifier = message.get("id")
    if isinstance(identifier, (bool, dict, list)):
        return Refused(InvalidRequest("an id is a string, a number or null"))
    if message.get("jsonrpc") != "2.0":
        return Refused(InvalidRequest("this is not JSON-RPC 2.0"), identifier)
    method = message.get("method")
    if not isinstance(method, str):
        return Refused(InvalidRequest("there is no method"), identifier)
    parameters = message.get("params", [])
    if not isinstance(parameters, (dict, list)):
        return Refused(InvalidRequest("params is an array or an object"), identifier)
    return Call(method, parameters, identifier, "id" not in message)
