"""Reads a configuration file into settings: the only reader of C{etc/}."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from sipapp.config.accountsettings import AccountsSettings
from sipapp.config.admissionsettings import BansSettings, OverloadSettings, SourcesSettings
from sipapp.config.checks import check
from sipapp.config.errors import ConfigurationError, Problems, suggestion, tomlValue
from sipapp.config.listensettings import ListenSettings
from sipapp.config.settings import (
    LocationSettings,
    LogSettings,
    PoolsSettings,
    ServerSettings,
    Settings,
    SIPSettings,
)
from sipapp.config.tables import UNUSABLE, TableReader, homesOf
from sipapp.config.trustsettings import TrustedSettings

ResourceTypes = Mapping[str, tuple[str, type[msgspec.Struct]]]
"""For each resource that a plugin provides, its kind (C{sip} or C{web}) and settings class."""

SECTIONS: Mapping[str, Any] = {
    "server": ServerSettings,
    "pools": PoolsSettings,
    "listen": tuple[ListenSettings, ...],
    "location": LocationSettings,
    "accounts": AccountsSettings,
    "sip": SIPSettings,
    "trusted": TrustedSettings,
    "sources": SourcesSettings,
    "bans": BansSettings,
    "overload": OverloadSettings,
    "log": LogSettings,
}
"""The tables of a configuration file but for C{[resource.NAME]}, whose types plugins bring."""

EMBEDDED = """\
[server]
domains = ["localhost", "127.0.0.1"]

[[listen]]
address = "127.0.0.1"
transport = ["udp", "tcp"]
"""
"""The configuration when there is no file: a server to try out, on loopback, without root."""

EMBEDDED_NAME = "embedded defaults"

_HOMES = homesOf(SECTIONS)


def loadSettings(path: str | os.PathLike[str] | None, resourceTypes: ResourceTypes) -> Settings:
    """Read a configuration file.

    @param path: the file; C{None} is L{EMBEDDED}.
    @param resourceTypes: the resources there are.
    @raise ConfigurationError: if the file cannot be read or used, with everything that is wrong.
    """
    return parseSettings(*_readText(path), resourceTypes)


def loadTables(path: str | os.PathLike[str] | None, *names: str) -> Settings:
    """Read some tables of a configuration file, for a command that needs no more. What is wrong in
    others is not its business, nor which resources there are.

    @param path: as for L{loadSettings}.
    @param names: of L{SECTIONS}.
    @return: settings with the defaults of all other tables.
    @raise ConfigurationError: if the file cannot be read, or these tables cannot be used.
    """
    text, file = _readText(path)
    document = _parse(text, file)
    problems = Problems(file)
    reader = TableReader(problems, _HOMES)
    tables = {name: document[name] for name in names if name in document}
    values = {name: reader.read(table, SECTIONS[name], name) for name, table in tables.items()}
    problems.raiseIfAny()
    return Settings(file=file, **values)


def _readText(path: str | os.PathLike[str] | None) -> tuple[str, str]:
    """
    @return: the text of a file, or L{EMBEDDED}; and what to call it.
    """
    if path is None:
        return EMBEDDED, EMBEDDED_NAME
    file = os.fspath(path)
    try:
        with open(file, "rb") as stream:
            data = stream.read()
    except OSError as error:
        raise ConfigurationError(file, "", f"cannot be read: {error.strerror}") from None
    try:
        return data.decode(), file
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(file, f"line {line}", "not UTF-8") from None


def parseSettings(text: str, file: str, resourceTypes: ResourceTypes) -> Settings:
    """Read the text of a configuration file.

    @param file: the name to use in errors.
    @raise ConfigurationError: if it cannot be used, with everything that is wrong.
    """
    document = _parse(text, file)
    problems = Problems(file)
    reader = TableReader(problems, _HOMES)
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name in SECTIONS:
            values[name] = reader.read(value, SECTIONS[name], name)
        elif name != "resource":
            reader.complainOfKey(name, {**SECTIONS, "resource": None})
    tables = _readResources(document.get("resource", {}), resourceTypes, problems)
    if UNUSABLE not in values.values():
        settings = Settings(file=file, **values)
        kinds = {name: kind for name, (kind, _) in resourceTypes.items()}
        check(settings, tables, kinds, problems)
        settings = msgspec.structs.replace(
            settings, resource=_fillResources(settings, tables, resourceTypes, problems)
        )
    problems.raiseIfAny()
    return settings


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntaxError(file, str(error)) from None
    except RecursionError:
        raise ConfigurationError(file, "", "nested too deeply") from None


def _syntaxError(file: str, message: str) -> ConfigurationError:
    match = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", message, re.DOTALL)
    if match is None:
        return ConfigurationError(file, "", message)
    return ConfigurationError(file, match[2], match[1])


def _readResources(
    document: object, resourceTypes: ResourceTypes, problems: Problems
) -> dict[str, Any]:
    if not isinstance(document, dict):
        problems.add("resource", f"expected tables, [resource.NAME], got {tomlValue(document)}")
        return {}
    reader = TableReader(problems, {})
    tables: dict[str, Any] = {}
    for name, table in document.items():
        key = f"resource.{name}"
        if name in resourceTypes:
            tables[name] = reader.read(table, resourceTypes[name][1], key)
        else:
            problems.add(key, f"no plugin provides this resource{suggestion(name, resourceTypes)}")
            tables[name] = UNUSABLE
    return tables


def _fillResources(
    settings: Settings, tables: dict[str, Any], resourceTypes: ResourceTypes, problems: Problems
) -> dict[str, Any]:
    """The settings of every resource that is used, whether it has a table or not."""
    used = {name: None for listen in settings.listen for name in listen.chain}
    reader = TableReader(problems, {})
    resources = {}
    for name in used:
        if name in resourceTypes:
            key = f"resource.{name}"
            resources[name] = (
                tables[name] if name in tables else reader.read({}, resourceTypes[name][1], key)
            )
    return resources


def encodeSettings(settings: Settings) -> bytes:
    """Write settings down for a worker process, which must not read the file again: it may have
    changed, and the worker may not be allowed to."""
    return msgspec.json.encode(settings)


def decodeSettings(data: bytes, resourceTypes: ResourceTypes) -> Settings:
    """Read what L{encodeSettings} wrote.

    @param resourceTypes: must know every resource that is used.
    """
    settings = msgspec.json.decode(data, type=Settings)
    resource = {
        name: msgspec.convert(table, resourceTypes[name][1])
        for name, table in settings.resource.items()
    }
    return msgspec.structs.replace(settings, resource=resource)
