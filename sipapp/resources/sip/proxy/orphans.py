"""Refusals of forks whose response context has died with its worker (RFC 3261 §16.7 and §16.11).

A response that belongs to no transaction is forwarded, as a stateless proxy would. But one phone of
several that refuses must not end a call that others still ring for. Nobody remembers that there are
others; what can be known is worked out from the response: the bindings of the user in To are the
targets that an INVITE for that user was forwarded to, and the branch proves it, because it is a
function of the INVITE and the target. If the branch is that of one target of several, the refusal
waits for those of the others, or for Timer C, and then the best goes upstream (§16.7 step 6).
A 2xx and a 6xx never wait.

The caller that was not sent to the user's own address, but by a Route of its own to this server for
instance, has an INVITE that To does not tell; then nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable

from sipapp.resources.sip.proxy.bestresponse import chooseBest
from sipapp.resources.sip.proxy.targets import Groups
from sipapp.resources.sip.proxy.timerc import TimerC
from sipapp.sip import SIPURI, Request, Response, SIPError
from sipapp.transaction import Identifiers

__all__ = ["Orphans"]

_Key = tuple[str, str, int]


class Orphans:
    """The refusals that wait.

    @param targetsOf: the targets that a request for a user of ours is forwarded to.
    @param forward: sends a response upstream that still has our Via.
    @param maxBranches: how many targets a request is forwarded to at most.
    """

    def __init__(
        self,
        identifiers: Identifiers,
        targetsOf: Callable[[SIPURI], Groups],
        timerC: TimerC,
        forward: Callable[[Response], bool],
        maxBranches: int,
    ) -> None:
        self._identifiers = identifiers
        self._targetsOf = targetsOf
        self._timerC = timerC
        self._forward = forward
        self._maxBranches = maxBranches
        self._waiting: dict[_Key, _Orphan] = {}

    def __len__(self) -> int:
        """How many calls have refusals that wait."""
        return len(self._waiting)

    def take(self, response: Response) -> bool:
        """Look at a final response to an INVITE that belongs to no transaction.

        @return: false if it is to be forwarded now.
        """
        try:
            ours, theirs = response.vias[:2]
            key = f"{theirs}", response.callID, response.cseq.number
            known = self._waiting.get(key)
            if known is None:
                # A final answer for everybody goes its way, whoever else has been asked.
                if not 300 <= response.status < 600:
                    return False
                branches = self._branches(response)
                if len(branches) < 2 or _plain(ours.branch) not in branches:
                    return False
                known = self._waiting[key] = _Orphan(self, key, branches)
                self._timerC.start(known)
        except (SIPError, ValueError):
            return False
        return known.answered(_plain(ours.branch), response)

    def _branches(self, response: Response) -> set[str]:
        """The branches of an INVITE to all targets of the user that it was sent to, if that is the
        one in To."""
        uri = response.to.uri
        if not isinstance(uri, SIPURI):
            return set()
        values = [
            ("Via", f"{response.vias[1]}"),
            ("From", response.get("from") or ""),
            ("Call-ID", response.callID),
            ("CSeq", f"{response.cseq.number} INVITE"),
        ]
        invite = Request.build("INVITE", uri, values)
        targets = [target for group in self._targetsOf(uri) for target in group]
        return {
            self._identifiers.branch(invite, target.key) for target in targets[: self._maxBranches]
        }

    def forward(self, response: Response) -> None:
        self._forward(response)

    def forget(self, key: _Key) -> None:
        del self._waiting[key]


class _Orphan:
    """A call whose forks are without a response context. It is remembered for the length of
    Timer C: what has been decided holds for answers that are repeated, too.

    @ivar key: what its INVITE had in common with its responses.
    """

    __slots__ = ("_answers", "_branches", "_isDecided", "_orphans", "_passing", "key")

    def __init__(self, orphans: Orphans, key: _Key, branches: set[str]) -> None:
        self.key = key
        self._orphans = orphans
        self._branches = branches
        self._answers: dict[str, Response] = {}
        self._isDecided = False
        self._passing: str | None = None

    def answered(self, branch: str, response: Response) -> bool:
        """Take the final answer of a branch.

        @return: false if it is to be forwarded.
        """
        if branch not in self._branches:
            return False
        if response.status < 300 or response.status >= 600:
            # What the others say does not matter any more.
            self._isDecided = True
            return False
        if self._isDecided:
            return branch != self._passing
        self._answers[branch] = response
        if len(self._answers) == len(self._branches):
            self._decide()
        return True

    def _decide(self) -> None:
        self._isDecided = True
        best = chooseBest(list(self._answers.values()), False)
        self._passing = next(name for name, each in self._answers.items() if each is best)
        self._orphans.forward(best)

    def timerCFired(self) -> None:
        """Those that have not answered by now had answered before the worker died."""
        self._orphans.forget(self.key)
        if not self._isDecided:
            self._decide()


def _plain(branch: str | None) -> str:
    """A branch without the number that the sender puts behind it for another address."""
    head, dot, mac = (branch or "").rpartition(".")
    return f"{head}{dot}{mac.partition('-')[0]}"
