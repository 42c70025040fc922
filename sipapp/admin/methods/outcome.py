"""What has come of a change, for who has called a method that makes one."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from sipapp.config import ConfigurationError
from sipapp.outcomes import NotRestarted
from sipapp.pool import BindError, BootFailure, PoolStopped
from sipapp.rpc import Conflict, Unavailable

__all__ = ["outcomeOf"]

T = TypeVar("T")


async def outcomeOf(change: Awaitable[T]) -> T:
    """
    @param change: a reload, or a restart of workers.
    @raise Conflict: if it could not be made, with the reason.
    @raise Unavailable: if the server is being stopped.
    """
    try:
        return await change
    except (ConfigurationError, BindError, BootFailure, OSError) as error:
        raise Conflict(f"the server goes on as it was. {error}") from None
    except NotRestarted as error:
        raise Conflict(str(error)) from None
    except PoolStopped as error:
        raise Unavailable(str(error)) from None
