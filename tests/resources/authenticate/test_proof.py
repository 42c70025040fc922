"""What becomes of a proof (RFC 3261 §22.4, RFC 7616 §3.4, §3.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sipapp.sip.digest import ALGORITHMS, parseAuthenticationInfo, parseCredentials
from tests.resources.authenticate.stage import (
    ACCOUNTS,
    ALICE,
    MALLORY,
    Phone,
    PhoneFlow,
    Worker,
    challenges,
    text,
)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    yield worker
    worker.close()


def test_aGoodOneLetsPass(worker: Worker) -> None:
    phone = Phone(worker)
    assert phone.ask().status == 200
    assert phone.ask("INVITE", uri="sip:bob@example.com").status == 200
    assert [str(request.authenticated) for request in worker.passed] == ["alice@example.com"] * 2
    assert worker.bans.vouched == [ALICE] * 2
    assert worker.bans.offences == []


def test_itGoesNoFurther(worker: Worker) -> None:
    """§22.3: what is ours is taken out, what is for somebody else stays as it came."""
    theirs = 'Proxy-Authorization: Digest username="a",realm="b",nonce="c",uri="d",response="e"'
    odd = "Authorization: Basic YTpi"
    phone = Phone(worker)
    phone.challenge = challenges(phone.send("INVITE"))[0]
    ours = phone.proof("INVITE")
    assert phone.send("INVITE", theirs, ours, odd).status == 200
    (request,) = worker.passed
    assert theirs in request.lines
    assert odd in request.lines
    assert ours not in request.lines
    assert request.names.count("proxy-authorization") == 1


def test_itGoesNoFurtherWhereNobodyHasAsked(worker: Worker) -> None:
    phone = Phone(worker)
    phone.challenge = challenges(phone.send("INVITE"))[0]
    ours = phone.proof("INVITE")
    # §22.1: the ACK repeats the credentials of its INVITE.
    to = "<sip:bob@example.com>;tag=b"
    phone.worker.receive(_ack(ours, to), phone.flow)
    assert phone.send("INVITE", ours, sender="<sip:x@elsewhere.example>").status == 200
    assert phone.send("CANCEL", ours).status == 200
    assert len(worker.behind.acknowledged) == 1
    for request in (*worker.behind.acknowledged, *worker.passed):
        assert not request.has("proxy-authorization")
        assert request.authenticated is None


def _ack(line: str, to: str) -> bytes:
    return text(
        "ACK", line, uri="sip:bob@example.com", sender="<sip:alice@example.com>", to=to
    ).encode()


@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_allAlgorithms(tmp_path: Path, algorithm: str, qop: str) -> None:
    worker = Worker(tmp_path, algorithms=(algorithm,), qop=(qop,))
    phone = Phone(worker)
    assert phone.ask("MESSAGE", body="hello").status == 200
    assert phone.authenticate("MESSAGE", body="again").status == 200
    phone.password = "wrong"
    assert phone.ask("MESSAGE", body="hello").status == 401
    worker.close()


def test_whatIsOfferedMayBeChosen(worker: Worker) -> None:
    phone = Phone(worker)
    for challenge in challenges(phone.send()):
        phone.count = 0 if challenge.algorithm == "SHA-256" else 10
        assert phone.authenticate(challenge=challenge).status == 200


def test_whatIsNotOfferedIsNotTaken(worker: Worker) -> None:
    phone = Phone(worker)
    (challenge, _) = challenges(phone.send())
    for algorithm in ("SHA-512-256", "MD5-sess"):
        answer = phone.authenticate(challenge=challenge._replace(algorithm=algorithm))
        assert answer.status == 401
    line = phone.proof("REGISTER", challenge).replace("qop=auth", "qop=token")
    assert phone.send("REGISTER", line).status == 401
    assert worker.bans.offences == []


def test_aWrongPassword(worker: Worker) -> None:
    phone = Phone(worker, password="guess")
    answer = phone.ask()
    assert [each.stale for each in challenges(answer)] == [False, False]
    assert worker.passed == []
    assert worker.bans.offences == [(ALICE, "authentication", True)]
    assert worker.bans.vouched == []


def test_aUserWhoDoesNotExist(worker: Worker) -> None:
    """Is answered as a wrong password is: nobody learns who has an account."""
    wrong = Phone(worker, password="guess").ask()
    unknown = Phone(worker, username="nobody").ask(sender="<sip:nobody@example.com>")
    assert wrong.names == unknown.names
    assert wrong.status == unknown.status == 401
    assert len(worker.bans.offences) == 2


def test_whereAWrongPasswordComesFromMayBeUnproven(worker: Worker) -> None:
    """A datagram that says it is Alice's, from somebody who has got a nonce of his own, is no
    reason to ban her. A connection comes from where it comes from."""
    mallory = Phone(worker, password="guess", flow=PhoneFlow(MALLORY))
    mallory.challenge = challenges(mallory.send())[0]
    mallory.flow = PhoneFlow(ALICE)
    assert mallory.authenticate().status == 401
    mallory.flow = PhoneFlow(MALLORY, "TCP")
    assert mallory.authenticate().status == 401
    assert worker.bans.offences == [
        (ALICE, "authentication", False),
        (MALLORY, "authentication", True),
    ]


def test_aPhoneMayWander(worker: Worker) -> None:
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    phone.flow = PhoneFlow("192.0.2.99")
    assert phone.authenticate().status == 200
    assert worker.bans.vouched == []


# Nonces and their counts.


def test_aReplay(worker: Worker) -> None:
    """The same proof again, in a request of its own: a fresh challenge with stale=true."""
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    line = phone.proof("REGISTER")
    assert phone.send("REGISTER", line).status == 200
    again = challenges(phone.send("REGISTER", line))
    assert [each.stale for each in again] == [True, True]
    assert again[0].nonce != phone.challenge.nonce
    assert len(worker.passed) == 1
    assert worker.bans.offences == []
    # The next count is as good as ever.
    assert phone.authenticate().status == 200


def test_aReplayOnAnotherWorker(worker: Worker, tmp_path: Path) -> None:
    """A nonce is good on every worker, and its counts are used up on all of them. Two workers of
    one process cannot have the same file open, so they have the store in common here."""
    other = Worker(tmp_path / "other", code="u1")
    other.nonceCounts.close()
    other.nonceCounts = worker.nonceCounts
    other.authenticate.counts = worker.nonceCounts
    other.authenticate.nonces = worker.authenticate.nonces
    other.endTurn = worker.endTurn  # type: ignore[method-assign]
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    first, second = phone.proof("REGISTER"), phone.proof("REGISTER")
    assert phone.send("REGISTER", first).status == 200
    phone.worker = other
    assert phone.send("REGISTER", first).status == 401
    assert phone.send("REGISTER", second).status == 200
    phone.worker = worker
    assert phone.send("REGISTER", second).status == 401


def test_aRetransmissionIsNoReplay(worker: Worker) -> None:
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    line = phone.proof("REGISTER")
    assert phone.send("REGISTER", line, branch="same").status == 200
    assert phone.send("REGISTER", line, branch="same").status == 200
    assert len(worker.passed) == 1


def test_aRetransmissionAsTheNonceEnds(worker: Worker) -> None:
    """What was good when it came first is not asked for anything when it comes again."""
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    worker.reactor.advance(299)
    line = phone.proof("REGISTER")
    assert phone.send("REGISTER", line, branch="same").status == 200
    worker.reactor.advance(10)
    assert phone.send("REGISTER", line, branch="same").status == 200
    assert len(worker.passed) == 1


def test_aNonceEnds(worker: Worker) -> None:
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    worker.reactor.advance(299)
    assert phone.authenticate().status == 200
    worker.reactor.advance(1)
    answer = phone.authenticate()
    assert [each.stale for each in challenges(answer)] == [True, True]
    # Whether the password is right is not even looked at, so it is no offence either.
    phone.password = "guess"
    assert challenges(phone.authenticate())[0].stale
    assert worker.bans.offences == []
    # Much later nothing of it can have been good, and it costs no transaction.
    before = worker.stateless
    worker.reactor.advance(32)
    assert challenges(phone.authenticate())[0].stale
    assert worker.stateless == before + 1


def test_aNonceThatIsNotOurs(worker: Worker) -> None:
    """Such as one of before a reboot. It is not the password that was wrong."""
    phone = Phone(worker)
    challenge = challenges(phone.send())[0]
    for nonce in ("x" * 32, "", challenge.nonce[:-1], challenge.nonce[:-1] + "!"):
        answer = phone.authenticate(challenge=challenge._replace(nonce=nonce))
        assert challenges(answer)[0].stale
    assert worker.layer.serverCount == 0
    assert worker.bans.offences == []


def test_credentialsThatCannotBeRead(worker: Worker) -> None:
    """Are none: who sends them again with another nonce would be asked for ever."""
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    line = phone.proof("REGISTER")
    answer = phone.send("REGISTER", line.replace("nc=", "nd="))
    assert [each.stale for each in challenges(answer)] == [False, False]
    assert worker.layer.serverCount == 0
    assert phone.send("REGISTER", line).status == 200


def test_anotherRealm(worker: Worker) -> None:
    """Credentials of one realm are nothing in another, with whatever nonce."""
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    answer = phone.authenticate(sender="<sip:alice@example.net>")
    assert challenges(answer)[0].realm == "example.net"
    assert not challenges(answer)[0].stale


def test_aPhoneWithoutQop(worker: Worker) -> None:
    """As RFC 2617 still allows: each nonce is good once, whatever count it claims."""
    phone = Phone(worker)
    challenge = challenges(phone.send())[0]._replace(qop=())
    line = phone.proof("REGISTER", challenge)
    assert "qop" not in line
    assert phone.send("REGISTER", line).status == 200
    for more in ("", ", nc=00000002", ", nc=00000003"):
        assert challenges(phone.send("REGISTER", line + more))[0].stale


def test_countsMayOvertakeEachOther(worker: Worker) -> None:
    phone = Phone(worker)
    phone.challenge = challenges(phone.send())[0]
    first, second = phone.proof("REGISTER"), phone.proof("REGISTER")
    assert phone.send("REGISTER", second).status == 200
    assert phone.send("REGISTER", first).status == 200
    assert phone.send("REGISTER", first).status == 401


def test_theNextNonceComesInTime(worker: Worker) -> None:
    """§22.4: Authentication-Info, with the server's proof that it knows the password too."""
    phone = Phone(worker)
    assert not phone.ask().has("Authentication-Info")
    worker.reactor.advance(200)
    line = phone.proof("REGISTER")
    answer = phone.send("REGISTER", line)
    information = parseAuthenticationInfo(answer.get("Authentication-Info") or "")
    shown = parseCredentials(line.partition(": ")[2])
    (alice, *_) = ACCOUNTS
    assert information.rspauth == shown.rspauth(alice.digests["MD5"])
    assert (information.qop, information.cnonce, information.nc) == ("auth", "cnonce", "00000002")
    assert phone.challenge is not None
    assert information.nextnonce
    phone.challenge = phone.challenge._replace(nonce=information.nextnonce)
    phone.count = 0
    worker.reactor.advance(200)
    assert phone.authenticate().status == 200


def test_onlySuccessesBringANonce(worker: Worker) -> None:
    phone = Phone(worker)
    assert phone.ask().status == 200
    worker.reactor.advance(200)
    worker.behind.status = 404
    assert not phone.authenticate().has("Authentication-Info")
    worker.behind.status = 200
    # There is no such thing for proxies.
    phone.ask("INVITE", uri="sip:bob@example.com")
    worker.reactor.advance(200)
    answer = phone.authenticate("INVITE", uri="sip:bob@example.com")
    assert answer.status == 200
    assert not answer.has("Authentication-Info")


def test_sessionsKeepTheirNonce(tmp_path: Path) -> None:
    worker = Worker(tmp_path, algorithms=("SHA-256-sess",))
    phone = Phone(worker)
    phone.ask()
    worker.reactor.advance(200)
    answer = phone.authenticate()
    assert answer.status == 200
    assert not answer.has("Authentication-Info")
    worker.close()


def test_theNextNonceOfAPhoneWithoutQop(worker: Worker) -> None:
    phone = Phone(worker)
    challenge = challenges(phone.send())[0]._replace(qop=())
    worker.reactor.advance(200)
    told = phone.authenticate(challenge=challenge).get("Authentication-Info") or ""
    information = parseAuthenticationInfo(told)
    assert information.nextnonce
    assert (information.qop, information.cnonce, information.nc) == (None, None, None)


# Accounts.


class SlowAccounts:
    """Somebody who has to be asked and answers later."""

    algorithms = frozenset({"MD5"})

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def check(self, credentials: Any, method: str, body: bytes, decided: Any) -> None:
        self.asked.append(decided)


def test_theAccountsMayTakeTheirTime(tmp_path: Path) -> None:
    accounts = SlowAccounts()
    worker = Worker(tmp_path, accounts=accounts)
    phone = Phone(worker)
    (phone.challenge,) = challenges(phone.send("INVITE"))
    line = phone.proof("INVITE")
    worker.receive(_invite(line), phone.flow)
    accounts.asked.pop()(ACCOUNTS[0])
    worker.endTurn()
    assert [answer.status for answer in phone.flow.sent] == [200]
    worker.close()


def _invite(line: str) -> bytes:
    return text(
        "INVITE",
        line,
        uri="sip:example.com",
        sender="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        branch="slow",
    ).encode()


@pytest.mark.parametrize("outcome", [ACCOUNTS[0], None])
def test_theCallerMayGiveUpMeanwhile(tmp_path: Path, outcome: Any) -> None:
    accounts = SlowAccounts()
    worker = Worker(tmp_path, accounts=accounts)
    phone = Phone(worker)
    (phone.challenge,) = challenges(phone.send("INVITE"))
    invite = _invite(phone.proof("INVITE"))
    worker.receive(invite, phone.flow)
    cancel = invite.replace(b"INVITE", b"CANCEL")
    assert [answer.status for answer in worker.receive(cancel, phone.flow)] == [200, 487]
    accounts.asked.pop()(outcome)
    worker.endTurn()
    assert phone.flow.sent == []
    assert worker.passed == []
    worker.close()


def test_whenNobodyCanTell(tmp_path: Path) -> None:
    accounts = SlowAccounts()
    worker = Worker(tmp_path, accounts=accounts)
    phone = Phone(worker)
    (phone.challenge,) = challenges(phone.send("INVITE"))
    worker.receive(_invite(phone.proof("INVITE")), phone.flow)
    accounts.asked.pop()(RuntimeError("of this test"))
    assert [answer.status for answer in phone.flow.sent] == [500]
    assert worker.passed == []
    worker.close()


def test_accountsThatKnowNoneOfTheAlgorithms(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="MD5 only"):
        Worker(tmp_path, accounts=SlowAccounts(), algorithms=("SHA-256",))


def test_onlyWhatTheAccountsKnowIsOffered(tmp_path: Path) -> None:
    worker = Worker(tmp_path, accounts=SlowAccounts())
    assert [each.algorithm for each in challenges(Phone(worker).send())] == ["MD5"]
    worker.close()
