"""What the caller of a method is told about a change that could not be made."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from sipapp.admin.methods.outcome import outcomeOf
from sipapp.config import ConfigurationError
from sipapp.outcomes import NotRestarted
from sipapp.pool import BindError, BootFailure, PoolStopped
from sipapp.rpc import Fault
from tests.admin.methods.outcomes import outcome


def test_oneThatWasMade() -> None:
    assert outcome(Deferred.fromCoroutine(outcomeOf(succeed(7)))) == 7


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            ConfigurationError("sipapp.toml", "sip.t1", "too short"),
            409,
            "the server goes on as it was. sipapp.toml: sip.t1: too short",
        ),
        (
            BindError("udp 192.0.2.1:5060", "Permission denied"),
            409,
            "the server goes on as it was. cannot bind udp 192.0.2.1:5060: Permission denied",
        ),
        (
            BootFailure("udp-0/1", "no database"),
            409,
            "the server goes on as it was. udp-0/1: no database",
        ),
        (OSError(24, "Too many open files"), 409, "the server goes on as it was. [Errno 24] Too"),
        (NotRestarted("udp-0/1 goes on as it was: no database"), 409, "udp-0/1 goes on as it was"),
        (PoolStopped("the server is being stopped"), 503, "the server is being stopped"),
    ],
)
def test_oneThatCouldNotBe(error: Exception, code: int, text: str) -> None:
    failed: Deferred[None] = fail(error)
    with pytest.raises(Fault) as caught:
        outcome(Deferred.fromCoroutine(outcomeOf(failed)))
    assert caught.value.code == code
    assert caught.value.text.startswith(text)


def test_aMistakeOfOurs() -> None:
    """It is no fault of the caller's: the log has to be told."""
    failed: Deferred[None] = fail(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        outcome(Deferred.fromCoroutine(outcomeOf(failed)))
