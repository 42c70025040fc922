"""What is said about a configuration that cannot be used."""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Iterable, Sequence

_LONGEST = 60


class ConfigurationError(Exception):
    """A configuration that cannot be used. As a string: C{file: key: reason}, one line for each
    problem.

    @ivar file: the file's name, as it was given.
    @ivar key: where in the file, such as C{listen[2].socket_workers}; empty if it is the file.
    @ivar reason: what is wrong there.
    @ivar others: the other problems that were found together with this one.
    """

    def __init__(
        self, file: str, key: str, reason: str, others: Sequence[ConfigurationError] = ()
    ) -> None:
        super().__init__(file, key, reason)
        self.file = file
        self.key = key
        self.reason = reason
        self.others = tuple(others)

    def __str__(self) -> str:
        line = ": ".join(part for part in (self.file, self.key, self.reason) if part)
        return "\n".join((line, *map(str, self.others)))


class Problems:
    """Collects what is wrong with one file, so that an operator learns of everything at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[tuple[str, str]] = []

    def add(self, key: str, reason: str) -> None:
        """Note a problem. The same one is noted once."""
        if (key, reason) not in self._found:
            self._found.append((key, reason))

    def raiseIfAny(self) -> None:
        """@raise ConfigurationError: if a problem was noted."""
        if self._found:
            first, *others = (ConfigurationError(self.file, *problem) for problem in self._found)
            raise ConfigurationError(first.file, first.key, first.reason, others)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, as the end of a sentence, or nothing."""
    nearest = difflib.get_close_matches(name, tuple(known), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def tomlValue(value: object) -> str:
    """A value as it is written in TOML, shortened if it is long."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = "".join(
                f"\\u{ord(character):04x}" if "\x7f" <= character <= "\x9f" else character
                for character in json.dumps(value, ensure_ascii=False)
            )
        case list() | tuple():
            text = f"[{', '.join(map(tomlValue, value))}]"
        case dict():
            text = f"{{{', '.join(f'{key} = {tomlValue(item)}' for key, item in value.items())}}}"
        case datetime.date() | datetime.time():
            text = value.isoformat()
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
