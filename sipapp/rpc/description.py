"""What a method is, for whoever may want to call it: people, C{system.methodHelp}, completion in a
shell."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from sipapp.rpc.role import Role

__all__ = ["MethodDescription", "Parameter", "TypeName"]

TypeName = Literal[
    "int", "boolean", "double", "string", "dateTime.iso8601", "base64", "array", "struct", "nil"
]
"""A type by its name in XML-RPC. C{nil} is the type of nothing: what a method without a result
returns."""


class Parameter(Struct, frozen=True):
    """One that a method takes.

    @ivar type: of what may be given. Where it may be left out, it may be C{nil} as well if that is
        its default.
    @ivar isRequired: whether it may not be left out.
    @ivar default: what it is if it is left out, as JSON has it.
    """

    name: str
    type: TypeName
    isRequired: bool = True
    default: Any = None


class MethodDescription(Struct, frozen=True):
    """A method.

    @ivar name: namespace and name: C{"pool.resize"}.
    @ivar role: who may call it, and those above.
    @ivar changes: whether it changes anything, so that the audit log has it.
    @ivar parameters: in their order. Those that may be left out are the last ones.
    @ivar returns: the type of its result.
    @ivar help: what it does, in plain text; the first line says it in short.
    @ivar shape: what is in the result: C{[{name: string, size: int}]} is an array of structs.
    """

    name: str
    role: Role
    changes: bool
    parameters: tuple[Parameter, ...] = ()
    returns: TypeName = "nil"
    help: str = ""
    shape: str = "nil"

    @property
    def signatures(self) -> list[list[str]]:
        """The ways to call it, each the type of the result and those of the parameters, as
        C{system.methodSignature} gives them: first with all parameters."""
        least = sum(each.isRequired for each in self.parameters)
        types = [each.type for each in self.parameters]
        return [[self.returns, *types[:count]] for count in range(len(types), least - 1, -1)]
