"""Tests of C{sipapp.rpc.typenames}."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred

from sipapp.rpc.typenames import shapeOf, typeName


class Worker(Struct):
    name: str
    pid: int | None


class Pool(Struct, rename={"isFull": "is_full"}):
    isFull: bool
    workers: list[Worker]


@pytest.mark.parametrize(
    ("hint", "name", "shape"),
    [
        (int, "int", "int"),
        (Annotated[int, Meta(ge=1)], "int", "int"),
        (bool, "boolean", "boolean"),
        (float | None, "double", "double or nil"),
        (None, "nil", "nil"),
        (Literal["udp", "tcp"], "string", "string"),
        (bytes, "base64", "string"),
        (datetime, "dateTime.iso8601", "string"),
        (str | list[str], "string", "string or [string]"),
        (list[str], "array", "[string]"),
        (tuple[str, int], "array", "[string, int]"),
        (tuple[int, ...], "array", "[int]"),
        (Sequence[Worker], "array", "[{name: string, pid: int or nil}]"),
        (dict[str, int], "struct", "{name: int, \u2026}"),
        (Mapping[str, list[int]], "struct", "{name: [int], \u2026}"),
        (dict, "struct", "struct"),
        (list, "array", "array"),
        (Pool, "struct", "{is_full: boolean, workers: [{name: string, pid: int or nil}]}"),
        (Deferred[list[int]], "array", "[int]"),
        (Coroutine[Any, Any, Worker], "struct", "{name: string, pid: int or nil}"),
        (list[Any], "array", "[any]"),
    ],
)
def test_names(hint: Any, name: str, shape: str) -> None:
    assert typeName(hint) == name
    assert shapeOf(hint) == shape
