"""Which of the answers of several branches goes upstream (RFC 3261 §16.7 steps 6 and 7).

Pure: a list of final answers in, one response out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sipapp.sip import Response

__all__ = ["chooseBest"]

_CHALLENGES = ("www-authenticate", "proxy-authenticate")
_DISPLAY = {"www-authenticate": "WWW-Authenticate", "proxy-authenticate": "Proxy-Authenticate"}

_WITHIN_CLASS = {
    # "information affecting resubmission of this request", the challenges first because step 7
    # collects into them
    401: 0,
    407: 0,
    415: 1,
    420: 1,
    484: 1,
    # says nothing about the user
    408: 3,
    487: 4,
    503: 4,
}


def _rank(response: Response, cancelled: bool) -> tuple[int, int]:
    """The lower the better: a 6xx, then the lowest class, then what helps the caller most."""
    status = response.status
    if status >= 600:
        return 0, 0
    if cancelled and status == 487:
        # What the caller who sent a CANCEL waits for (§9.1), and what the other answers of the
        # branches that it cancelled would only hide.
        return 1, 0
    return status // 100, _WITHIN_CLASS.get(status, 2)


def chooseBest(answers: Sequence[Response], cancelled: bool = False) -> Response:
    """The response to forward. Among equals it is the first that came.

    A 401 or 407 is given the challenges of all the other 401 and 407 (step 7), so that one new
    attempt can answer every branch.

    @param answers: at least one final response that is not a 2xx.
    @param cancelled: whether the caller has cancelled the request.
    """
    best = min(answers, key=lambda answer: _rank(answer, cancelled))
    if best.status in (401, 407) and len(answers) > 1:
        _collectChallenges(best, answers)
    return best


def _collectChallenges(best: Response, answers: Sequence[Response]) -> None:
    for other in answers:
        if other is not best and other.status in (401, 407):
            for name in _CHALLENGES:
                for challenge in other.getAll(name):
                    best.append(_DISPLAY[name], challenge)
