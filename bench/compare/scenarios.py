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
    @ivar challenged: whether they have to prove who they are (RFC 3261 §22.2).
    @ivar called: whether they are called, so that there has to be somebody who answers.
    @ivar lasting: seconds that a call takes by itself.
    """

    unit: str
    script: str
    rate: int
    users: int = 0
    challenged: bool = False
    called: bool = False
    lasting: float = 0.0

    @property
    def accounts(self) -> int:
        """How many users have a password."""
        return self.users if self.challenged else 0

    @property
    def registration(self) -> str:
        """The script by which its users register."""
        return "challenge" if self.challenged else "register"


#: The scenarios that are made of requests; C{idle}, which is made of connections, is by itself.
SCENARIOS = {
    "options": Scenario("OPTIONS", "options", 1500),
    "register": Scenario("REGISTER", "register", 1000, users=10_000),
    "challenge": Scenario("REGISTER with digest", "challenge", 500, users=10_000, challenged=True),
    "call": Scenario("call", "caller", 100, users=1_000, called=True, lasting=0.2),
}
