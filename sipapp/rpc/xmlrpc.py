"""XML-RPC (http://xmlrpc.com/spec.md), on paper: calls are read, answers are written.

Besides the types of the specification there are two extensions that most libraries know: C{nil},
and C{i8} for integers of more than 32 bits. An integer of more than 64 bits is written as a
C{double}. A time without a zone is UTC. In answers times and bytes are texts, as in JSON, so that
results are the same whichever way a call comes.
"""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from sipapp.rpc.fault import Fault
from sipapp.rpc.xmlelements import Element, readElements

__all__ = ["decodeCall", "encodeFault", "encodeResult", "faultStruct"]

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_integer = re.compile(r"\s*([+-]?[0-9]{1,19})\s*", re.ASCII).fullmatch
_double = re.compile(
    r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*", re.ASCII
).fullmatch
_notCharacter = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decodeCall(body: bytes) -> tuple[str, list[Any]]:
    """Read a C{methodCall}.

    @return: the name of the method, and the parameters.
    @raise Fault: if it cannot be read.
    """
    call = readElements(body)
    name, *rest = call.inside("methodName") if call.name == "methodCall" else call.fail()
    if len(rest) > 1:
        call.fail()
    parameters = [each for one in rest for each in one.all("params", "param")]
    return name.text.strip(), [_value(each.only("value")) for each in parameters]


def encodeResult(result: Any) -> bytes:
    """Write the C{methodResponse} of a call that has a result.

    @param result: made of what JSON has, or what C{msgspec} makes that of. What is no finite number
        is C{nil}. Characters that XML does not have are replaced.
    @raise TypeError: if it is of anything else. @raise ValueError: likewise.
    """
    plain = msgspec.to_builtins(result, str_keys=True)
    written: list[str] = [_DECLARATION, "<methodResponse><params><param>"]
    _write(plain, written.append)
    written.append("</param></params></methodResponse>\n")
    return "".join(written).encode("utf-8")


def encodeFault(fault: Fault) -> bytes:
    """Write the C{methodResponse} of a call that has none."""
    written: list[str] = [_DECLARATION, "<methodResponse><fault>"]
    _write(faultStruct(fault), written.append)
    written.append("</fault></methodResponse>\n")
    return "".join(written).encode("utf-8")


def faultStruct(fault: Fault) -> dict[str, Any]:
    """
    @return: a fault as a value, such as it stands among the results of C{system.multicall}.
    """
    return {"faultCode": fault.code, "faultString": fault.text}


def _value(value: Element) -> Any:
    """
    @param value: a C{value}.
    @return: what it is.
    @raise InvalidRequest: if it is nothing.
    """
    if not value.elements:
        return value.text
    if len(value.elements) > 1 or value.text.strip():
        value.fail()
    typed = value.elements[0]
    if typed.name == "array":
        return [_value(each) for each in typed.only("data").all("data", "value")]
    if typed.name == "struct":
        return _struct(typed)
    read = _SCALARS.get(typed.name.removeprefix("ex:"))
    if read is None or typed.elements:
        typed.fail()
    try:
        return read(typed.text)
    except (ValueError, OverflowError):
        typed.fail()


def _struct(struct: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for member in struct.all("struct", "member"):
        name, *values = member.inside("name")
        if len(values) != 1 or values[0].name != "value" or name.elements or name.text in found:
            member.fail()
        found[name.text] = _value(values[0])
    return found


def _readInteger(text: str) -> int:
    match = _integer(text)
    if match is None or not -(1 << 63) <= (number := int(match[1])) < 1 << 63:
        raise ValueError
    return number


def _readDouble(text: str) -> float:
    match = _double(text)
    if match is None or not math.isfinite(number := float(match[1])):
        raise ValueError
    return number


def _readBoolean(text: str) -> bool:
    return ("0", "1").index(text.strip()) == 1


def _readTime(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _readBytes(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise ValueError from error


def _readNil(text: str) -> None:
    if text.strip():
        raise ValueError


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "base64": _readBytes,
    "boolean": _readBoolean,
    "dateTime.iso8601": _readTime,
    "double": _readDouble,
    "i4": _readInteger,
    "i8": _readInteger,
    "int": _readInteger,
    "nil": _readNil,
    "string": str,
}


def _write(value: Any, write: Callable[[str], object]) -> None:
    """Write a C{value}."""
    if isinstance(value, dict):
        write("<value><struct>")
        for name, each in value.items():
            write(f"<member><name>{_text(name)}</name>")
            _write(each, write)
            write("</member>")
        write("</struct></value>")
    elif isinstance(value, (list, tuple)):
        write("<value><array><data>")
        for each in value:
            _write(each, write)
        write("</data></array></value>")
    else:
        write(f"<value>{_scalar(value)}</value>")


def _scalar(value: Any) -> str:
    match value:
        case str():
            return f"<string>{_text(value)}</string>"
        case bool():
            return f"<boolean>{value:d}</boolean>"
        case int() if -(1 << 31) <= value < 1 << 31:
            return f"<int>{value}</int>"
        case int() if -(1 << 63) <= value < 1 << 63:
            return f"<i8>{value}</i8>"
        case int() | float() if abs(value) < math.inf:
            return f"<double>{float(value)!r}</double>"
        case _:
            return "<nil/>"


def _text(text: str) -> str:
    # A line end that is written as it is would be another one when it is read (XML 1.0 §2.11).
    return escape(_notCharacter.sub("\ufffd", text), {"\r": "&#13;"})
