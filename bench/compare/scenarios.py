"""What the servers are asked to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """Something that clients want from a server.

    @ivar unit: what is counted.
    @ivar script: the file in C{sipp/} that the client runs.
    @ivar rate: units in a second for each worker while processor time is measured. It is the same
        for all servers, and none has much more to do than half of what it can: what a unit costs
        depends on how many of them a worker finds waiting.
    @ivar users: how many are registered.
    @ivar called: whether they are called, so that there has to be somebody who answers.
    @ivar lasting: seconds that a call takes by itself.
    """

    unit: str
    script: str
    rate: int
    users: int = 0
    called: bool = False
    lasting: float = 0.0


#: The scenarios that are made of requests; C{idle}, which is made of connections, is by itself.
SCENARIOS = {
    "options": Scenario("OPTIONS", "options", 1500),
    "register": Scenario("REGISTER", "register", 1000, users=10_000),
    "call": Scenario("call", "caller", 100, users=1_000, called=True, lasting=0.2),
}
