"""What a method that is called comes to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, execute
from twisted.python.failure import Failure

from sipapp.admin.methods import Caller, Methods
from sipapp.admin.methods.audit import Audit
from sipapp.rpc import Fault

ADMIN = Caller("root", "admin", "pid 1", "unix")


def outcome(deferred: Deferred[Any]) -> Any:
    """
    @return: the result that a Deferred has; what it has failed with is raised.
    """
    results: list[Any] = []
    deferred.addBoth(results.append)
    (result,) = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


def inThisThread(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    """In the place of a thread."""
    return execute(function, *arguments)


class Called:
    """Calls the methods of namespaces as a door does."""

    def __init__(self, directory: Path, caller: Caller = ADMIN, **namespaces: object) -> None:
        self._audit = Audit(directory / "audit.log")
        self._methods = Methods(namespaces, self._audit)
        self._caller = caller
        self.auditLog = directory / "audit.log"

    def __call__(self, name: str, *positional: Any, **named: Any) -> Any:
        return outcome(self._methods.call(self._caller, name, positional or named))

    def fault(self, code: int, name: str, *positional: Any, **named: Any) -> str:
        """
        @return: what the caller is told who is refused with this code.
        """
        with pytest.raises(Fault) as caught:
            self(name, *positional, **named)
        assert caught.value.code == code
        return caught.value.text
