"""The configuration in force, to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from sipapp.config import Settings, tomlKey

__all__ = ["SettingsView"]

_SECRET = ("password", "passphrase", "token", "credential", "secret")


class SettingsView:
    """A table of the configuration: C{settings.sip.t1}, C{settings.listen[0].port}. It shows what
    is in force at that time, in the words of the file, and no passwords."""

    def __init__(self, table: Callable[[], Any]) -> None:
        """
        @param table: gives the C{msgspec.Struct}.
        """
        self._table = table

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _viewed(name, getattr(self._table(), name))

    def __dir__(self) -> list[str]:
        return [each.name for each in msgspec.structs.fields(self._table())]

    def __repr__(self) -> str:
        return "\n".join(_lines(self._table(), "")) or "(nothing)"


def _viewed(name: str, value: Any) -> Any:
    """
    @param name: what it is the value of.
    """
    if isinstance(value, msgspec.Struct):
        return SettingsView(lambda: value)
    if isinstance(value, tuple | list):
        return [_viewed(name, each) for each in value]
    if isinstance(value, dict):
        return {inner: _viewed(inner, each) for inner, each in value.items()}
    return _masked(name, value) if isinstance(value, str) else value


def _lines(table: Any, prefix: str) -> Iterator[str]:
    for each in msgspec.structs.fields(table):
        value = getattr(table, each.name)
        key = each.encode_name if each.encode_name != each.name else tomlKey(each.name)
        if each.name == "file" and isinstance(table, Settings):
            yield f"# {value}"
        else:
            yield from _line(f"{prefix}{key}", each.name, value)


def _line(key: str, name: str, value: Any) -> Iterator[str]:
    if isinstance(value, msgspec.Struct):
        yield from _lines(value, f"{key}.")
    elif isinstance(value, dict):
        for inner, each in value.items():
            yield from _line(f"{key}.{inner}", inner, each)
    elif isinstance(value, tuple | list) and any(isinstance(e, msgspec.Struct) for e in value):
        for index, each in enumerate(value):
            yield from _lines(each, f"{key}[{index}].")
    elif value is not None:
        yield f"{key} = {_viewed(name, value)!r}"


def _masked(name: str, value: str) -> str:
    lowered = name.lower()
    if lowered == "checker":
        # What follows may be a password: see twisted.cred.strcred.
        return f"{value.partition(':')[0]}:…"
    isPath = lowered.endswith(("file", "path")) or value.startswith("/")
    return "…" if not isPath and any(word in lowered for word in _SECRET) else value
