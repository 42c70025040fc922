"""The pieces of XML 1.0 and of its namespaces that selectors are made of."""

from __future__ import annotations

import re

__all__ = ["ATTVALUE", "NCNAME", "NOT_A_CHARACTER", "attributeValue"]

_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
NCNAME = rf"[{_START}][{_START}\-.0-9\xb7\u0300-\u036f\u203f\u2040]*"
"""Pattern of a name without a colon (Namespaces in XML 1.0 §3)."""

ATTVALUE = "(?:\"[^\"<]*\"|'[^'<]*')"
"""Pattern of an attribute's value with its quotes (XML 1.0 §2.3), but for its references, which
L{attributeValue} looks at."""

NOT_A_CHARACTER = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""Pattern of what no XML document can have in it (XML 1.0 §2.2)."""

_ENTITIES = {"amp": "&", "apos": "'", "gt": ">", "lt": "<", "quot": '"'}
_reference = re.compile("&(?:#([0-9]+)|#x([0-9A-Fa-f]+)|([a-z]+));|&|\r\n|[\t\n\r]")
_notCharacter = re.compile(NOT_A_CHARACTER).search


def attributeValue(text: str) -> str:
    """
    @param text: what stands between the quotes of an attribute.
    @return: what a parser says that its value is: with its references replaced, and white space
        that is not written as one normalised (XML 1.0 §3.3.3).
    @raise ValueError: if it is nothing that could stand there.
    """
    value = _reference.sub(_referred, text)
    if _notCharacter(value):
        raise ValueError("a character that XML does not have")
    return value


def _referred(found: re.Match[str]) -> str:
    decimal, hexadecimal, entity = found.groups()
    if decimal is not None:
        return _character(decimal, 10)
    if hexadecimal is not None:
        return _character(hexadecimal, 16)
    if entity in _ENTITIES:
        return _ENTITIES[entity]
    if found[0][0] == "&":
        raise ValueError("an ampersand that refers to nothing")
    return " "


def _character(digits: str, radix: int) -> str:
    """
    @raise ValueError: if there is no such character.
    """
    digits = digits.lstrip("0")
    # No more digits than the highest character has: to convert thousands takes its time.
    number = int(digits, radix) if 0 < len(digits) < 8 else 0
    if not 0 < number < 0x110000:
        raise ValueError("a reference to no character")
    return chr(number)
