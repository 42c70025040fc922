"""Tests of what a method says of itself, and of roles and faults."""

from __future__ import annotations

import pytest

from sipapp.rpc import (
    ROLES,
    Fault,
    MethodDescription,
    NotFound,
    Parameter,
    Role,
    covers,
)


def test_signatures() -> None:
    method = MethodDescription(
        "location.add",
        "operator",
        True,
        (
            Parameter("aor", "string"),
            Parameter("contact", "string"),
            Parameter("expires", "int", False, 3600),
            Parameter("q", "double", False, 1.0),
        ),
        "array",
    )
    assert method.signatures == [
        ["array", "string", "string", "int", "double"],
        ["array", "string", "string", "int"],
        ["array", "string", "string"],
    ]
    assert MethodDescription("core.drain", "operator", True).signatures == [["nil"]]


@pytest.mark.parametrize("least", ROLES)
def test_roles(least: Role) -> None:
    """Each is more than the one before, and none is nothing."""
    enough = [role for role in ROLES if covers(role, least)]
    assert enough == list(ROLES[ROLES.index(least) :])
    assert not covers(None, least)


def test_faults() -> None:
    fault = NotFound("there is no pool")
    assert (fault.code, fault.text, str(fault)) == (404, "there is no pool", "404 there is no pool")
    assert Fault("strange", 7).code == 7
    kinds = [kind.kindCode for kind in Fault.__subclasses__()]
    assert len(set(kinds)) == len(kinds)
