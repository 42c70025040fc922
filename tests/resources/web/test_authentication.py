"""L{sipapp.resources.web.authentication}: Digest (RFC 7616) and Basic (RFC 7617) over HTTP."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import FilePasswordDB, ICredentialsChecker
from twisted.cred.credentials import IUsernameDigestHash, IUsernamePassword
from twisted.internet.defer import Deferred, TimeoutError, succeed
from twisted.internet.task import Clock
from zope.interface import implementer

from sipapp.sip.digest import (
    HASHES,
    Challenge,
    Nonces,
    answerTo,
    digestHA1,
    parseAuthenticationInfo,
)
from sipapp.sip.digest.algorithms import response
from sipapp.storage import CheckedAccounts, MemoryAccounts, OwnAccounts, newAccount
from tests.resources.web.stage import ADDRESS, REALM, START, Browser, Worker, offered
from tests.support.digest import Digest, challenges
from tests.support.httpclient import Basic

ALICE = b"alice example.com operator"
Started = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Started]:
    """Starts workers."""
    workers: list[Worker] = []
    numbers = count()

    def started(**settings: Any) -> Worker:
        workers.append(Worker(tmp_path / str(next(numbers)), **settings))
        return workers[-1]

    yield started
    for worker in workers:
        worker.close()


@pytest.fixture
def worker(start: Started) -> Worker:
    return start()


class TestChallenges:
    def test_strongestFirst(self, worker: Worker) -> None:
        """RFC 7616 §3.7: a challenge for each algorithm, all of one nonce."""
        answer = Browser(worker).ask()
        assert answer.status == 401
        assert offered(answer) == [("SHA-256", "auth"), ("MD5", "auth")]
        assert len({each["nonce"] for each in challenges(answer)}) == 1
        assert {(each["realm"], each["charset"]) for each in challenges(answer)} == {
            (REALM, "UTF-8")
        }

    def test_asConfigured(self, start: Started) -> None:
        worker = start(algorithms=("MD5", "SHA-512-256", "SHA-256-sess"), qop=("auth", "auth-int"))
        assert offered(Browser(worker).ask()) == [
            ("SHA-512-256", "auth,auth-int"),
            ("SHA-256-sess", "auth,auth-int"),
            ("MD5", "auth,auth-int"),
        ]

    def test_basicOverTLSOnly(self, worker: Worker) -> None:
        """RFC 7617 §4"""
        values = Browser(worker, secure=True).ask().getAll("www-authenticate")
        assert values[-1] == 'Basic realm="example.com", charset="UTF-8"'
        assert [value.split()[0] for value in values] == ["Digest", "Digest", "Basic"]
        values = Browser(worker).ask().getAll("www-authenticate")
        assert [value.split()[0] for value in values] == ["Digest", "Digest"]

    def test_oneScheme(self, start: Started) -> None:
        values = Browser(start(schemes=["basic"]), secure=True).ask().getAll("www-authenticate")
        assert [value.split()[0] for value in values] == ["Basic"]
        values = Browser(start(schemes=["digest"]), secure=True).ask().getAll("www-authenticate")
        assert [value.split()[0] for value in values] == ["Digest", "Digest"]
        # Nobody can say anything here, and is told that much.
        answer = Browser(start(schemes=["basic"])).ask()
        assert (answer.status, answer.getAll("www-authenticate")) == (401, [])

    def test_noScheme(self, start: Started) -> None:
        with pytest.raises(ValueError, match="schemes"):
            start(schemes=[])
        with pytest.raises(ValueError, match="algorithms"):
            start(accounts=CheckedAccounts(HTDigest(), Clock()), algorithms=["SHA-256"])
        with pytest.raises(ValueError, match="schemes"):
            start(accounts=CheckedAccounts(HTDigest(), Clock()), schemes=["basic"])


class TestDigest:
    @pytest.mark.parametrize("algorithm", HASHES)
    @pytest.mark.parametrize("qop", ["auth", "auth-int"])
    def test_right(self, start: Started, algorithm: str, qop: str) -> None:
        worker = start(algorithms=(algorithm,), qop=(qop,))
        answer = Browser(worker).login(method="PUT", target="/a?b=c%20d", body=b"hello")
        assert (answer.status, answer.body) == (200, ALICE)
        assert worker.bans.vouched == [ADDRESS]
        assert worker.bans.offences == []

    def test_namesInUTF8(self, worker: Worker) -> None:
        """RFC 7616 §3.4: the name goes into C{username*}."""
        browser = Browser(worker)
        challenge = Challenge(REALM, browser.challenged()["nonce"], "SHA-256")
        text = answerTo(challenge, "ren\u00e9", "\u00e9tude", "GET", "/page", "cnonce")
        assert browser.ask(headers=[("Authorization", text)]).text.startswith("ren\u00e9 ")

    def test_hiddenName(self, worker: Worker) -> None:
        """§3.4.4"""
        browser = Browser(worker)
        challenge = Challenge(REALM, browser.challenged()["nonce"], "SHA-256", userhash=True)
        text = answerTo(challenge, "alice", "wonderland", "GET", "/page", "cnonce")
        assert "alice" not in text
        assert browser.ask(headers=[("Authorization", text)]).body == ALICE

    @pytest.mark.parametrize(
        ("user", "password"), [("alice", "Wonderland"), ("bob", "wonderland"), ("carol", "singer")]
    )
    def test_wrong(self, worker: Worker, user: str, password: str) -> None:
        answer = Browser(worker, Digest(user, password)).login()
        assert answer.status == 401
        assert "stale" not in challenges(answer)[0]
        assert worker.bans.offences == [(ADDRESS, "authentication", True)]
        assert worker.bans.vouched == []

    def test_anotherMethod(self, worker: Worker) -> None:
        browser = Browser(worker)
        browser.challenged()
        proof = browser.user.proof("GET", "/page")
        assert browser.ask("DELETE", headers=[proof]).status == 401

    def test_anotherBody(self, start: Started) -> None:
        browser = Browser(start(qop=("auth-int",)))
        browser.challenged()
        proof = browser.user.proof("PUT", "/page", b"hello")
        assert browser.ask("PUT", headers=[proof], body=b"jello").status == 401
        proof = browser.user.proof("PUT", "/page", b"hello")
        assert browser.ask("PUT", headers=[proof], body=b"hello").status == 200

    def test_aLargeBody(self, start: Started) -> None:
        """One that is in a file is still there for the resource."""
        browser = Browser(start(qop=("auth-int",)))
        assert browser.login(method="PUT", body=b"x" * 60_000).status == 200

    @pytest.mark.parametrize(
        ("target", "uri", "status"),
        [
            ("/page?a", "/page?a", 200),
            ("/page?a", "/page", 400),
            ("/page", "/Page", 400),
            ("/page", "/pag%65", 400),
            ("/page", "", 400),
            ("/page", "http://a/page", 200),
            ("http://a/page", "/page", 200),
            ("http://a/page", "http://b/page", 200),
            ("http://a", "/", 200),
        ],
    )
    def test_target(self, worker: Worker, target: str, uri: str, status: int) -> None:
        """§3.4.6: the proof is for this resource. Proxies may write it in the other form."""
        answer = Browser(worker).login(target=target, uri=uri)
        assert answer.status == status
        assert answer.getAll("www-authenticate") == []
        assert worker.bans.offences == []

    def test_counts(self, worker: Worker, start: Started) -> None:
        """§3.4: each count of a nonce is for one request, on whichever worker."""
        browser = Browser(worker)
        assert browser.login().status == 200
        proof = browser.user.proof("GET", "/page")
        assert browser.ask(headers=[proof]).status == 200
        other = Browser(start(beside=worker))
        for again in (browser, other):
            answer = again.ask(headers=[proof])
            assert answer.status == 401
            assert challenges(answer)[0]["stale"] == "true"
        other.user = browser.user
        assert other.prove().status == 200
        # They may overtake one another.
        assert other.prove(count=9).status == 200
        assert browser.prove(count=8).status == 200
        assert browser.prove(count=9).status == 401
        assert worker.bans.offences == []

    def test_withoutQop(self, worker: Worker) -> None:
        """A client before RFC 2617 can use each nonce once."""
        browser = Browser(worker)
        challenge = Challenge(REALM, browser.challenged()["nonce"], "MD5", ())
        text = answerTo(challenge, "alice", "wonderland", "GET", "/page", "")
        assert browser.ask(headers=[("Authorization", text)]).status == 200
        assert browser.ask(headers=[("Authorization", text)]).status == 401

    def test_stale(self, worker: Worker) -> None:
        browser = Browser(worker)
        browser.challenged()
        worker.reactor.advance(301)
        answer = browser.prove()
        assert answer.status == 401
        assert [each["stale"] for each in challenges(answer)] == ["true", "true"]
        assert isinstance(browser.user, Digest)
        browser.user.challenged(answer)
        assert browser.prove().status == 200
        # It has been said, and is not said again.
        assert "stale" not in challenges(browser.ask())[0]

    def test_noncesOfOthers(self, worker: Worker) -> None:
        """Nonces of SIP, too, are none here: they go to places where nobody has shown to be."""
        key = worker.identifiers.derivedKey("nonces", worker.nonceCounts.salt)
        browser = Browser(worker)
        for nonce in (Nonces(key, 300).mint(START), "x" * 32, ""):
            text = answerTo(Challenge(REALM, nonce), "alice", "wonderland", "GET", "/page", "c")
            answer = browser.ask(headers=[("Authorization", text)])
            assert answer.status == 401
            assert "stale" not in challenges(answer)[0]
        assert worker.bans.offences == []

    def test_whatIsNotOffered(self, start: Started) -> None:
        browser = Browser(start(algorithms=("SHA-256",)))
        nonce = browser.challenged()["nonce"]
        for challenge in (
            Challenge(REALM, nonce, "MD5"),
            Challenge("example.net", nonce, "SHA-256"),
            Challenge(REALM, nonce, "SHA-256", ("auth-int",)),
        ):
            text = answerTo(challenge, "alice", "wonderland", "GET", "/page", "cnonce")
            assert browser.ask(headers=[("Authorization", text)]).status == 401

    @pytest.mark.parametrize(
        "text", ["Digest", "Digest x", 'Digest username="alice"', "Digest \udcff", "", "Bearer x"]
    )
    def test_unreadable(self, worker: Worker, text: str) -> None:
        assert Browser(worker).ask(headers=[("Authorization", text)]).status == 401
        assert worker.bans.offences == []

    def test_several(self, worker: Worker) -> None:
        """The field is no list (RFC 9110 §11.6.2)."""
        browser = Browser(worker)
        browser.challenged()
        proofs = [browser.user.proof("GET", "/page") for _ in range(2)]
        assert browser.ask(headers=proofs).status == 401


class TestInformation:
    """RFC 7616 §3.5"""

    def test_rspauth(self, worker: Worker) -> None:
        browser = Browser(worker)
        nonce = browser.challenged()["nonce"]
        name, proof = browser.user.proof("GET", "/page")
        text = browser.ask(headers=[(name, proof)]).get("authentication-info")
        assert text is not None
        said = parseAuthenticationInfo(text)
        cnonce = re.search('cnonce="(.*?)"', proof)[1]  # type: ignore[index]
        ha1 = digestHA1("SHA-256", "alice", REALM, "wonderland")
        expected = response("SHA-256", ha1, nonce, "00000001", cnonce, "auth", "", "/page", b"")
        assert said == (None, expected, "auth", cnonce, "00000001")

    def test_nextnonce(self, worker: Worker) -> None:
        """In time, so that nobody need be asked again."""
        browser = Browser(worker)
        browser.challenged()
        worker.reactor.advance(151)
        text = browser.prove().get("authentication-info")
        assert text is not None
        nonce = parseAuthenticationInfo(text).nextnonce
        assert nonce is not None
        worker.reactor.advance(200)
        text = answerTo(
            Challenge(REALM, nonce, "SHA-256"), "alice", "wonderland", "GET", "/page", "cnonce"
        )
        assert browser.ask(headers=[("Authorization", text)]).status == 200

    def test_sessionsKeepTheirNonce(self, start: Started) -> None:
        worker = start(algorithms=("SHA-256-sess",))
        browser = Browser(worker)
        nonce = challenges(browser.ask())[0]["nonce"]
        worker.reactor.advance(200)
        challenge = Challenge(REALM, nonce, "SHA-256-sess")
        text = answerTo(challenge, "alice", "wonderland", "GET", "/page", "cnonce")
        info = browser.ask(headers=[("Authorization", text)]).get("authentication-info")
        assert info is not None
        assert parseAuthenticationInfo(info).nextnonce is None

    def test_noneForBodiesToCome(self, start: Started) -> None:
        """The proof for auth-int covers an answer that nobody has written yet."""
        assert Browser(start(qop=("auth-int",))).login().get("authentication-info") is None


class TestBasic:
    def test_right(self, worker: Worker) -> None:
        answer = Browser(worker, Basic("alice", "wonderland"), secure=True).prove()
        assert (answer.status, answer.body) == (200, ALICE)
        assert worker.bans.vouched == [ADDRESS]

    def test_inUTF8(self, worker: Worker) -> None:
        """RFC 7617 §2.1; and however it is composed."""
        for name, password in (("ren\u00e9", "\u00e9tude"), ("rene\u0301", "e\u0301tude")):
            answer = Browser(worker, Basic(name, password), secure=True).prove()
            assert answer.text == "ren\u00e9 example.com None"

    def test_notInTheClear(self, worker: Worker) -> None:
        answer = Browser(worker, Basic("alice", "wonderland")).prove()
        assert answer.status == 401
        assert worker.bans.offences == []

    def test_wrong(self, worker: Worker) -> None:
        answer = Browser(worker, Basic("alice", "Wonderland"), secure=True).prove()
        assert answer.status == 401
        assert worker.bans.offences == [(ADDRESS, "authentication", True)]

    @pytest.mark.parametrize(
        "token", ["", "x", "YWxpY2U=", "!!!!", b64encode(b"\xff:\xff").decode(), "YQ==YQ=="]
    )
    def test_unreadable(self, worker: Worker, token: str) -> None:
        browser = Browser(worker, secure=True)
        assert browser.ask(headers=[("Authorization", f"Basic {token}")]).status == 401

    def test_passwordsWithColons(self, start: Started) -> None:
        accounts = OwnAccounts(MemoryAccounts(newAccount("dave", REALM, "a:b:c")))
        worker = start(accounts=accounts)
        assert Browser(worker, Basic("dave", "a:b:c"), secure=True).prove().status == 200


@implementer(ICredentialsChecker)
class HTDigest:
    """Has nothing but digests by MD5."""

    credentialInterfaces = (IUsernameDigestHash,)

    def requestAvatarId(self, credentials: Any) -> Any:
        if credentials.checkHash(digestHA1("MD5", "alice", REALM, "wonderland").encode()):
            return succeed(b"alice")
        return succeed(())


@implementer(ICredentialsChecker)
class Silent:
    """Never says anything."""

    credentialInterfaces = (IUsernameDigestHash, IUsernamePassword)

    def requestAvatarId(self, credentials: Any) -> Any:
        return Deferred()


@implementer(ICredentialsChecker)
class Careless:
    """Lets everybody in."""

    credentialInterfaces = (IUsernameDigestHash,)

    def requestAvatarId(self, credentials: Any) -> Any:
        return succeed(credentials.username)


class TestCheckersOfOthers:
    """What C{[accounts] checker} names."""

    @pytest.mark.parametrize("user", [Digest("alice", "wonderland"), Basic("alice", "wonderland")])
    def test_passwords(self, start: Started, tmp_path: Path, user: Digest | Basic) -> None:
        file = tmp_path / "passwords"
        file.write_text("alice:wonderland\n")
        worker = start(accounts=CheckedAccounts(FilePasswordDB(str(file)), Clock()))
        browser = Browser(worker, user, secure=True)
        answer = browser.login() if isinstance(user, Digest) else browser.prove()
        assert answer.text == "alice example.com None"

    def test_digests(self, start: Started) -> None:
        worker = start(accounts=CheckedAccounts(HTDigest(), Clock()))
        answer = Browser(worker).login()
        assert answer.text == "alice example.com None"
        # With what the checker has shown to know.
        assert "rspauth" in (answer.get("authentication-info") or "")
        assert Browser(worker, Digest("alice", "wrong")).login().status == 401
        assert worker.bans.offences == [(ADDRESS, "authentication", True)]

    def test_yesWithoutALook(self, start: Started) -> None:
        worker = start(accounts=CheckedAccounts(Careless(), Clock()))
        assert Browser(worker, Digest("alice", "wrong")).login().status == 401

    def test_never(self, start: Started) -> None:
        worker = start(accounts=CheckedAccounts(Silent(), Clock()))
        browser = Browser(worker)
        browser.challenged()
        with pytest.raises(AssertionError):
            browser.prove()
        worker.reactor.advance(10)
        (failure,) = worker.page.failures
        assert failure.check(TimeoutError)
        assert worker.bans.offences == []


def test_removedMeanwhile(start: Started) -> None:
    """Between the look at the password and the look at the account."""

    class Forgetful(OwnAccounts):
        def account(self, avatarID: Any, realm: str) -> None:
            return None

    accounts = Forgetful(MemoryAccounts(newAccount("alice", REALM, "wonderland")))
    assert Browser(start(accounts=accounts)).login().status == 401
