"""The parameters of challenges and credentials: C{name=value} with commas between them (RFC 7235
§2.1), each value a token or quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sipapp.sip.errors import MalformedHeader, clip
from sipapp.sip.grammar import QUOTED, TOKEN, isToken, quote, unquote

__all__ = ["formatParameters", "isTrue", "parseNonceCount", "parseParameters"]

_SCHEME = re.compile(r"[ \t]*+[Dd][Ii][Gg][Ee][Ss][Tt][ \t]++")

# Some phones leave out quotes that have to be there, so a value without them may hold what is not
# in a token.
_PARAMETER = re.compile(
    rf'[ \t,]*+({TOKEN})[ \t]*+=[ \t]*+({QUOTED}|[^\x00-\x20",\x7f]++)[ \t]*+(?:,[ \t,]*+|\Z)'
)
# What nearly all send is taken apart at once. What does not fit has no name, and all that follows
# belongs to it.
_PLAIN_PARAMETER = re.compile(
    r'([a-z]++)=(?:"([^"\\\x00-\x1f\x7f]*+)"|([^\x00-\x20",\x7f]++))(?:, *+|\Z)|[\s\S]++'
)
_DIGEST = "Digest "

_COUNT = re.compile(r"[0-9A-Fa-f]{1,8}\Z")


def isDigest(text: str) -> bool:
    """Tell whether a challenge or credentials are of the Digest scheme."""
    return _SCHEME.match(text) is not None


def parseParameters(text: str, scheme: bool = True) -> dict[str, str]:
    """
    @param text: an unfolded value.
    @param scheme: whether C{Digest} stands in front.
    @return: values by lower-case name, those in quotes without them. Which were quoted makes no
        difference.
    @raise MalformedHeader: for anything else, and for a name that appears twice.
    """
    position = 0
    if scheme:
        if text[: len(_DIGEST)] == _DIGEST:
            found = _PLAIN_PARAMETER.findall(text, len(_DIGEST))
            plain = {name: quoted or bare for name, quoted, bare in found}
            if len(plain) == len(found) and "" not in plain:
                return plain
        start = _SCHEME.match(text)
        if start is None:
            raise MalformedHeader(f"{clip(text)} is not of the Digest scheme")
        position = start.end()
    params: dict[str, str] = {}
    end = len(text)
    while position < end:
        parameter = _PARAMETER.match(text, position)
        if parameter is None:
            raise MalformedHeader(f"malformed parameter in {clip(text)}")
        name, value = parameter.groups()
        name = name.lower()
        if name in params:
            raise MalformedHeader("a parameter appears twice")
        params[name] = unquote(value) if value[0] == '"' else value
        position = parameter.end()
    return params


def required(params: dict[str, str], name: str) -> str:
    """
    @raise MalformedHeader: if there is no such parameter.
    """
    value = params.get(name)
    if value is None:
        raise MalformedHeader(f"no {name}")
    return value


def parseNonceCount(params: dict[str, str]) -> tuple[str, int]:
    """
    @return: the C{nc} as it is written, and as a number; empty and 0 if there is none.
    @raise MalformedHeader: if it is not at most eight hexadecimal digits.
    """
    text = params.get("nc")
    if text is None:
        return "", 0
    if _COUNT.match(text) is None:
        raise MalformedHeader(f"{clip(text)} is not a nonce count")
    return text, int(text, 16)


def isTrue(params: dict[str, str], name: str) -> bool:
    """Whether a flag is there and set."""
    return params.get(name, "").lower() == "true"


def formatParameters(quoted: Iterable[tuple[str, str]], tokens: Iterable[tuple[str, str]]) -> str:
    """
    @param quoted: names and values of those that have to be quoted.
    @param tokens: those that must not be (RFC 7616 §3.3, §3.4).
    @raise ValueError: for a value that cannot be written so.
    """
    parts = [f"{name}={quote(value)}" for name, value in quoted]
    for name, value in tokens:
        if not isToken(value):
            raise ValueError(f"{value!a} is not a token")
        parts.append(f"{name}={value}")
    return ", ".join(parts)
