"""Tests of what there is to call: methods of the server, of plugins, and about methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer
from zope.interface.verify import verifyClass, verifyObject

from sipapp.administration import Administration
from sipapp.interfaces import IAdministration, IResourceMaker, IXMLRPCMethods
from sipapp.plugins import resourceMakers
from sipapp.resources.xmlrpc import MethodsMaker
from sipapp.resources.xmlrpc.catalogue import Catalogue
from sipapp.rpc import Caller, Fault, InvalidParameters, MethodDescription, method
from sipapp.rpc.bounds import MAX_CALLS
from sipapp.rpc.methods import Methods

VIEWER = Caller("victor", "viewer", "192.0.2.1", "xmlrpc")
OPERATOR = Caller("olga", "operator", "192.0.2.1", "xmlrpc")


class Pool:
    @method()
    def size(self, name: str, exact: bool = True) -> int:
        """Tell how large a pool is.

        name: of the pool.
        """
        return len(name)

    @method(role="operator", changes=True)
    def resize(self, name: str, size: int) -> None:
        """Resize a pool."""


class Bell:
    def __init__(self) -> None:
        self.swinging: Deferred[str] = Deferred()

    @method(role="admin", changes=True)
    def ring(self) -> str:
        """Ring."""
        return "ding"

    @method(role="admin", changes=True)
    async def toll(self) -> str:
        """Ring slowly."""
        return await self.swinging


@implementer(IAdministration)
class Parent:
    """The methods of a server, in this process."""

    def __init__(self) -> None:
        self.audited: list[tuple[str, Any]] = []
        self.offered: list[str] = []
        self._methods = Methods({"pool": Pool()}, self)

    def call(
        self, name: str, parameters: Sequence[Any] | Mapping[str, Any], caller: Caller
    ) -> Deferred[Any]:
        return self._methods.call(caller, name, parameters)

    def descriptions(self) -> Deferred[tuple[MethodDescription, ...]]:
        return succeed(self._methods.descriptions())

    def offer(self, methods: Methods) -> None:
        self.offered = [each.name for each in methods.descriptions()]

    def audit(
        self,
        caller: Caller,
        method: str,
        parameters: Mapping[str, Any],
        outcome: Any,
        seconds: float,
    ) -> None:
        self.audited.append((method, outcome))

    write = audit


async def load(**plugins: object) -> Catalogue:
    catalogue = Catalogue(Parent(), plugins)
    await catalogue.load()
    return catalogue


def test_interfaces() -> None:
    verifyClass(IAdministration, Administration)
    verifyClass(IAdministration, Parent)
    verifyObject(IResourceMaker, resourceMakers()["xmlrpc"])
    maker = MethodsMaker("bell", lambda worker: Bell())
    verifyObject(IXMLRPCMethods, maker)
    assert isinstance(maker.make(None), Bell)


@ensureDeferred
async def test_everythingIsListed() -> None:
    catalogue = await load(bell=Bell())
    assert await catalogue.call(VIEWER, "system.listMethods", []) == [
        "bell.ring",
        "bell.toll",
        "pool.resize",
        "pool.size",
        "system.describe",
        "system.listMethods",
        "system.methodHelp",
        "system.methodSignature",
        "system.multicall",
    ]


@ensureDeferred
async def test_thoseOfPluginsAreOffered() -> None:
    parent = Parent()
    await Catalogue(parent, {"bell": Bell()}).load()
    assert parent.offered == ["bell.ring", "bell.toll", "system.describe"]


@ensureDeferred
async def test_help() -> None:
    catalogue = await load()
    assert await catalogue.call(VIEWER, "system.methodHelp", ["pool.size"]) == (
        "pool.size(name: string, exact: boolean = true) -> int\n\n"
        "Tell how large a pool is.\n\nname: of the pool.\n\nResult: int\nRole: viewer"
    )
    help = await catalogue.call(VIEWER, "system.methodHelp", {"name": "pool.resize"})
    assert help.endswith("Role: operator, changes something")
    assert await catalogue.call(VIEWER, "system.methodSignature", ["pool.size"]) == [
        ["int", "string", "boolean"],
        ["int", "string"],
    ]


@ensureDeferred
async def test_multicall() -> None:
    catalogue = await load(bell=Bell())
    calls = [
        {"methodName": "pool.size", "params": ["udp"]},
        {"methodName": "system.listMethods"},
        {"methodName": "pool.resize", "params": ["udp", 4]},
        {"methodName": "bell.ring", "params": []},
        {"methodName": "system.multicall", "params": [[]]},
        {"methodName": "no.such"},
    ]
    size, listed, resized, *faults = await catalogue.call(OPERATOR, "system.multicall", [calls])
    assert (size, len(listed[0]), resized) == ([3], 9, [None])
    assert [each["faultCode"] for each in faults] == [403, -32601, -32601]
    for wrong in ([{"method": "a"}], [1], 1, [{}] * (MAX_CALLS + 1)):
        with pytest.raises(InvalidParameters):
            await catalogue.call(OPERATOR, "system.multicall", [wrong])


@ensureDeferred
async def test_roles() -> None:
    catalogue = await load(bell=Bell())
    assert catalogue.roleFor("pool.size", []) == "viewer"
    assert catalogue.roleFor("pool.resize", []) == "operator"
    assert catalogue.roleFor("no.such", []) == "viewer"
    calls = [{"methodName": "pool.size"}, {"methodName": "bell.ring"}, {"methodName": 1}, 2]
    assert catalogue.roleFor("system.multicall", [calls]) == "admin"
    assert catalogue.roleFor("system.multicall", {"calls": calls}) == "admin"
    assert catalogue.roleFor("system.multicall", [1, None]) == "viewer"


@ensureDeferred
async def test_theNamespaceIsTaken() -> None:
    with pytest.raises(ValueError, match="pool"):
        await load(pool=Bell())


@ensureDeferred
async def test_theAuditLogIsThatOfTheServer() -> None:
    parent = Parent()
    catalogue = Catalogue(parent, {"bell": Bell()})
    await catalogue.call(Caller("ann", "admin", "192.0.2.1", "xmlrpc"), "bell.ring", [])
    with pytest.raises(Fault):
        await catalogue.call(VIEWER, "bell.ring", [])
    (rung, ding), (again, refused) = parent.audited
    assert (rung, ding, again, refused.code) == ("bell.ring", "ding", "bell.ring", 403)


@ensureDeferred
async def test_whoHangsUpStopsNothing() -> None:
    parent, bell = Parent(), Bell()
    catalogue = Catalogue(parent, {"bell": bell})
    admin = Caller("ann", "admin", "192.0.2.1", "xmlrpc")
    called = catalogue.call(admin, "bell.toll", [])
    called.addErrback(lambda failure: None)
    called.cancel()
    assert parent.audited == []
    bell.swinging.callback("dong")
    assert parent.audited == [("bell.toll", "dong")]
