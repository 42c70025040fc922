"""Tests of the files in C{etc/}: the reference leaves no option out, and what they say is so."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

import sipapp.plugins.builtin
from sipapp.config import SHARED, Settings, describePlan, loadSettings, parseSettings, resolve
from sipapp.config.load import SECTIONS
from sipapp.interfaces import IResourceMaker
from tests.config.surroundings import FakeMachine

ETC = Path(__file__).parents[2] / "etc"
REFERENCE = ETC / "sipapp.toml"
SCENARIO = ETC / "scenario-kamailio.toml"

_COMMENTED = re.compile(r"^# (?=\[|[a-z0-9_]+ = )", re.MULTILINE)


@cache
def builtinTypes() -> dict[str, tuple[str, type[msgspec.Struct]]]:
    """The resources of sipapp itself, whatever other packages are installed."""
    makers = filter(IResourceMaker.providedBy, vars(sipapp.plugins.builtin).values())
    return {maker.name: (maker.kind, maker.settings) for maker in makers}


def uncommented() -> str:
    """The reference with every option in force."""
    return _COMMENTED.sub("", REFERENCE.read_text())


def structsIn(wanted: Any) -> Iterator[type[msgspec.Struct]]:
    """The settings classes in a type."""
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        yield wanted
    for argument in typing.get_args(wanted):
        yield from structsIn(argument)


def tablesAt(document: Any, name: str) -> list[dict[str, Any]]:
    """The tables of that name in some tables: several if it is an array of them."""
    found = [table[name] for table in document if name in table]
    return [each for value in found for each in (value if isinstance(value, list) else [value])]


def options(
    wanted: Any, tables: list[dict[str, Any]], path: str
) -> Iterator[tuple[str, msgspec.structs.FieldInfo, list[Any]]]:
    """Every option below a settings class: its key, its field, and the values it has."""
    for struct in structsIn(wanted):
        for field in msgspec.structs.fields(struct):
            name = field.encode_name
            key = f"{path}.{name}"
            yield key, field, [table[name] for table in tables if name in table]
            if list(structsIn(field.type)):
                yield from options(field.type, tablesAt(tables, name), key)


def referenceOptions() -> Iterator[tuple[str, msgspec.structs.FieldInfo, list[Any]]]:
    document = tomllib.loads(uncommented())
    for name, wanted in SECTIONS.items():
        yield from options(wanted, tablesAt([document], name), name)
    resources = document["resource"]
    for name, (_, wanted) in builtinTypes().items():
        yield from options(wanted, tablesAt([resources], name), f"resource.{name}")


def test_referenceCanBeUsedAsItIs() -> None:
    settings = loadSettings(REFERENCE, builtinTypes())
    plan = resolve(settings)
    assert [listener.name for listener in plan.listeners] == [
        "udp:127.0.0.1:5060",
        "tcp:127.0.0.1:5060",
    ]
    assert settings.server.user is None


def test_noOptionIsMissing() -> None:
    assert [key for key, _, values in referenceOptions() if not values] == []


def test_everyCommentedOptionCanBeUsed() -> None:
    settings = parseSettings(uncommented(), str(REFERENCE), builtinTypes())
    assert resolve(settings, FakeMachine()).processes > 0


def test_commentedDefaultsAreTheDefaults() -> None:
    commented = {
        match[1] for match in re.finditer(r"^# ([a-z0-9_]+) = ", REFERENCE.read_text(), re.M)
    }
    for key, field, values in referenceOptions():
        default = field.default
        if field.encode_name not in commented or isinstance(default, msgspec.Struct):
            continue
        if default not in (msgspec.NODEFAULT, None, ()):
            converted = [msgspec.convert(value, field.type) for value in values]
            assert default in converted, f"{key} is {default!r}, not {values}"


def test_embeddedDefaultsAreTheReference() -> None:
    embedded = loadSettings(None, builtinTypes())
    reference = loadSettings(REFERENCE, builtinTypes())
    assert msgspec.structs.replace(reference, file=embedded.file) == embedded


@pytest.fixture
def scenario() -> Settings:
    return loadSettings(SCENARIO, builtinTypes())


def test_scenarioPools(scenario: Settings) -> None:
    plan = resolve(scenario, FakeMachine())
    assert describePlan(plan).split("\n")[-2] == ("10 listeners, 7 pools, 23 worker processes")
    assert {
        pool.name: (pool.size, [plan.listeners[index].name for index in pool.listeners])
        for pool in plan.pools
    } == {
        "udp-0": (4, ["udp:0.0.0.0:5060"]),
        "udp-1": (4, ["udp:[::]:5060"]),
        SHARED: (
            8,
            ["tcp:0.0.0.0:5060", "tcp:[::]:5060", "tls:0.0.0.0:5061", "tls:[::]:5061"],
        ),
        "udp-2": (1, ["udp:127.0.0.1:5066"]),
        "udp-3": (1, ["udp:127.0.0.1:5070"]),
        "http-0": (4, ["http:127.0.0.1:8080"]),
        "http-1": (1, ["http:127.0.0.1:8090"]),
    }


def test_scenarioResources(scenario: Settings) -> None:
    plan = resolve(scenario, FakeMachine())
    chains = {listener.pool: listener.listen.chain for listener in plan.listeners}
    assert chains["udp-2"] == ("options",)
    assert chains["udp-3"] == ("replicate", "registrar")
    assert scenario.resource["replicate"].socket in {each.name for each in plan.listeners}
    assert (chains["http-0"], chains["http-1"]) == (("xcap",), ("health",))
    assert chains["udp-0"] == chains[SHARED] == ("options", "replicate", "registrar", "proxy")
