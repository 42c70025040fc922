"""C{system}: the methods that tell about methods, as most servers of XML-RPC have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta, Struct
from twisted.internet.defer import Deferred

from sipapp.rpc import Caller, Fault, MethodDescription, NoSuchMethod, method
from sipapp.rpc.bounds import MAX_CALLS
from sipapp.rpc.xmlrpc import faultStruct

__all__ = ["MULTICALL", "Introspection", "SubCall"]

MULTICALL = "system.multicall"


class SubCall(Struct, frozen=True, rename={"name": "methodName", "parameters": "params"}):
    """One call of several."""

    name: str
    parameters: list[Any] = []


class Offer(Protocol):
    """What there is to call at a door."""

    def descriptions(self) -> Deferred[Mapping[str, MethodDescription]]:
        """
        @return: fires with the methods, by name.
        """

    def call(self, caller: Caller, name: str, parameters: list[Any]) -> Deferred[Any]:
        """
        @return: fires with the result; fails with a L{Fault}.
        """


class Introspection:
    """A namespace."""

    def __init__(self, methods: Offer) -> None:
        self._methods = methods

    @method(name="listMethods")
    async def listMethods(self) -> list[str]:
        """List the names of all methods."""
        return sorted(await self._methods.descriptions())

    @method(name="methodHelp")
    async def methodHelp(self, name: str) -> str:
        """Tell what a method does, what its parameters are, and who may call it."""
        return helpOf(await self._described(name))

    @method(name="methodSignature")
    async def methodSignature(self, name: str) -> list[list[str]]:
        """Tell the types of a method: one array for each number of parameters that it can be called
        with, the type of the result first."""
        return (await self._described(name)).signatures

    @method(name="multicall")
    async def multicall(
        self, caller: Caller, calls: Annotated[list[SubCall], Meta(max_length=MAX_CALLS)]
    ) -> list[Any]:
        """Call several methods, one after the other.

        Each call is a struct of methodName and params. The result has an array for each, with the
        result in it, or a struct of faultCode and faultString.
        """
        return [await self._outcome(caller, each) for each in calls]

    async def _outcome(self, caller: Caller, call: SubCall) -> Any:
        try:
            if call.name == MULTICALL:
                raise NoSuchMethod(f"{MULTICALL} is no method for {MULTICALL}")
            return [await self._methods.call(caller, call.name, call.parameters)]
        except Fault as fault:
            return faultStruct(fault)

    async def _described(self, name: str) -> MethodDescription:
        found = (await self._methods.descriptions()).get(name)
        if found is None:
            raise NoSuchMethod(f"there is no method {name!r}")
        return found


def helpOf(description: MethodDescription) -> str:
    """
    @return: what there is to know of a method, in plain text.
    """
    parameters = ", ".join(
        f"{each.name}: {each.type}"
        + ("" if each.isRequired else f" = {msgspec.json.encode(each.default).decode()}")
        for each in description.parameters
    )
    return (
        f"{description.name}({parameters}) -> {description.returns}\n\n{description.help}\n\n"
        f"Result: {description.shape}\n"
        f"Role: {description.role}{', changes something' if description.changes else ''}"
    )
