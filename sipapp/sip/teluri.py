"""Telephone numbers (RFC 3966)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sipapp.sip.errors import MalformedURI, clip
from sipapp.sip.sipuri import escapeParam, parseURIParams

__all__ = ["TelURI", "parseTelURI"]

_HEX = "%[0-9A-Fa-f]{2}"
_PARAM = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++|{_HEX})+"
_telURI = re.compile(
    rf"([tT][eE][lL]):(\+[0-9\-.()]*+|[0-9A-Fa-f*#\-.()]++)"
    rf"((?:;[A-Za-z0-9\-]++(?:={_PARAM})?)*)\Z"
).match
_VISUAL_SEPARATORS = str.maketrans("", "", "-.()")


class TelURI:
    """
    A telephone number (RFC 3966).

    @ivar number: the number as received, with its visual separators.
    @ivar params: the parameters by lower-case name.
    """

    __slots__ = ("_text", "number", "params")

    scheme = "tel"

    def __init__(
        self,
        number: str,
        params: Mapping[str, str | None] | None = None,
        text: str | None = None,
    ) -> None:
        self.number = number
        self.params: Mapping[str, str | None] = {} if params is None else params
        self._text = text

    def _digits(self) -> str:
        return self.number.translate(_VISUAL_SEPARATORS).lower()

    def aor(self) -> str:
        """The number without visual separators; a local one together with its context."""
        context = self.params.get("phone-context")
        number = f"tel:{self._digits()}"
        return number if context is None else f"{number};phone-context={context.lower()}"

    def equivalent(self, other: object) -> bool:
        """Compare as RFC 3966 §4 wants: visual separators, case and order mean nothing."""
        return (
            isinstance(other, TelURI)
            and self._digits() == other._digits()
            and _lowerParams(self.params) == _lowerParams(other.params)
        )

    def __str__(self) -> str:
        if self._text is None:
            params = [
                f";{k}" if v is None else f";{k}={escapeParam(v)}" for k, v in self.params.items()
            ]
            self._text = f"tel:{self.number}{''.join(params)}"
        return self._text

    def __repr__(self) -> str:
        return f"<TelURI {str(self)!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TelURI) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def parseTelURI(text: str) -> TelURI:
    """
    @raise MalformedURI: if the text is no tel URI.
    """
    found = _telURI(text)
    if found is None or not found[2].strip("+-.()"):
        raise MalformedURI(f"{clip(text)} is not a telephone number")
    params = parseURIParams(found[3], text)
    if found[2][0] != "+" and params.get("phone-context") is None:
        # RFC 3966 §5.1.4: a local number means nothing without its context.
        raise MalformedURI(f"{clip(text)} is a local number without phone-context")
    return TelURI(found[2], params, text)


def _lowerParams(params: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value if value is None else value.lower() for name, value in params.items()}
