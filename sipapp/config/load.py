"""Reads a configuration file into settings: the only reader of C{etc/}."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from sipapp.config.accountsettings import AccountsSettings
from sipapp.config.adjustments import Adjustments
from sipapp.config.administrationsettings import AdministrationSettings
from sipapp.config.admissionsettings import BansSettings, OverloadSettings, SourcesSettings
from sipapp.config.callsettings import CallRecordsSettings
from sipapp.config.checks import check
from sipapp.config.errors import ConfigurationError, Problems, suggestion, tomlValue
from sipapp.config.listensettings import ListenSettings
from sipapp.config.manholesettings import ManholeSettings
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
from sipapp.config.values import tomlKey

ResourceTypes = Mapping[str, tuple[str, type[msgspec.Struct]]]
"""For each resource that a plugin provides, its kind (C{sip}, C{web} or C{calls}) and settings
class."""

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
    "call_records": CallRecordsSettings,
    "administration": AdministrationSettings,
    "manhole": ManholeSettings,
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

_FIELDS = {tomlKey(name): name for name in Settings.__struct_fields__}


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
    values = {
        _FIELDS[name]: reader.read(table, SECTIONS[name], name) for name, table in tables.items()
    }
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
            values[_FIELDS[name]] = reader.read(value, SECTIONS[name], name)
        elif name != "resource":
            reader.complainOfKey(name, {**SECTIONS, "resource": None})
    tables = _readResources(document.get("resource", {}), resourceTypes, problems)
    if UNUSABLE not in values.values():
        settings = _complete(Settings(file=file, **values), tables, resourceTypes, problems)
    problems.raiseIfAny()
    return settings


def adjustSettings(
    settings: Settings, adjustments: Adjustments, resourceTypes: ResourceTypes
) -> Settings:
    """Give settings other adjustments. What comes out is checked like the text of a file.

    A resource that only an added listen block names has no table: its settings are the defaults.

    @param settings: with adjustments or without; those are forgotten.
    @raise ConfigurationError: if it cannot be used, with everything that is wrong.
    """
    listen = list(settings.listen[: settings.blocksOfFile])
    ofFile = msgspec.structs.replace(settings, listen=tuple(listen), adjustments=Adjustments())
    tables = {name: settings.resource[name] for name in ofFile.usedResources}
    problems = Problems(settings.file)
    reader = TableReader(problems, _HOMES)
    for table in adjustments.added:
        listen.append(reader.read(table, ListenSettings, f"listen[{len(listen)}]"))
    if UNUSABLE not in listen:
        adjusted = msgspec.structs.replace(ofFile, listen=tuple(listen), adjustments=adjustments)
        settings = _complete(adjusted, tables, resourceTypes, problems)
    problems.raiseIfAny()
    return settings


def _complete(
    settings: Settings,
    tables: dict[str, Any],
    resourceTypes: ResourceTypes,
    problems: Problems,
) -> Settings:
    """Note what cannot be, and give every resource that is used its settings.

    @param tables: the settings of resources that are given.
    """
    kinds = {name: kind for name, (kind, _) in resourceTypes.items()}
    check(settings, tables, kinds, problems)
    resource = _fillResources(settings, tables, resourceTypes, problems)
    return msgspec.structs.replace(settings, resource=resource)


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
    reader = TableReader(problems, {})
    resources = {}
    for name in settings.usedResources:
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
    """Read what L{encodeSettings} wrote, perhaps with earlier code: settings that there are no more
    are left out.

    @param resourceTypes: must know every resource that is used.
    @raise msgspec.ValidationError: if it cannot be used any more.
    """
    settings = msgspec.json.decode(data, type=Settings)
    resource = {
        name: msgspec.convert(table, resourceTypes[name][1])
        for name, table in settings.resource.items()
    }
    return msgspec.structs.replace(settings, resource=resource)
