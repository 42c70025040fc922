"""Tests of C{sipapp.storage.accounts}, C{accountchecker} and C{digestanswer}: who is let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import FilePasswordDB, ICredentialsChecker
from twisted.cred.credentials import (
    IUsernameDigestHash,
    IUsernameHashedPassword,
    UsernamePassword,
)
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, TimeoutError, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import Interface, implementer
from zope.interface.verify import verifyObject

from sipapp.interfaces import IAccounts
from sipapp.sip.digest import (
    ALGORITHMS,
    HASHES,
    Challenge,
    Credentials,
    answerTo,
    hashOf,
    parseCredentials,
)
from sipapp.storage import (
    Account,
    CheckedAccounts,
    DigestAnswer,
    MemoryAccounts,
    OwnAccounts,
    newAccount,
)
from tests.storage.accountcontract import result

REALM = "example.com"
URI = "sip:example.com"
ALICE = newAccount("alice", REALM, "wonderland", "operator")


def answer(
    username: str = "alice",
    password: str = "wonderland",
    algorithm: str = "SHA-256",
    realm: str = REALM,
    **fields: Any,
) -> Credentials:
    """What a client makes of a challenge, as it arrives."""
    body = fields.pop("body", b"")
    challenge = Challenge(realm, "nonce", algorithm, **fields)
    return parseCredentials(
        answerTo(challenge, username, password, "REGISTER", URI, "cnonce", body=body)
    )


class Decision:
    """Is told who somebody is."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    @property
    def only(self) -> Any:
        (told,) = self.told
        return told

    def of(self, accounts: Any, credentials: Credentials, body: bytes = b"") -> Any:
        accounts.check(credentials, "REGISTER", body, self.told.append)
        return self.only


def decide(accounts: Any, credentials: Credentials, body: bytes = b"") -> Any:
    return Decision().of(accounts, credentials, body)


@implementer(ICredentialsChecker)
class HTDigest:
    """A checker that has nothing but digests by MD5, as Apache's."""

    credentialInterfaces = (IUsernameDigestHash,)

    def requestAvatarId(self, credentials: Any) -> Any:
        if credentials.username == b"alice" and credentials.checkHash(
            ALICE.digests["MD5"].upper().encode()
        ):
            return succeed(credentials.username)
        return fail(UnauthorizedLogin())


@pytest.fixture
def own() -> OwnAccounts:
    return OwnAccounts(MemoryAccounts(ALICE))


@pytest.fixture
def passwords(tmp_path: Path) -> CheckedAccounts:
    file = tmp_path / "passwords"
    file.write_text("bob:builder\nalice:wonderland\n")
    return CheckedAccounts(FilePasswordDB(str(file)), Clock())


@pytest.fixture(params=["own", "passwords"])
def accounts(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


class TestBoth:
    """What holds whoever keeps the passwords."""

    def test_providesTheInterface(self, accounts: Any) -> None:
        assert verifyObject(IAccounts, accounts)
        assert accounts.algorithms == set(HASHES)

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("qop", [("auth",), ("auth-int",), ()])
    def test_right(self, accounts: Any, algorithm: str, qop: tuple[str, ...]) -> None:
        if algorithm.endswith("-sess") and not qop:
            qop = ("auth",)
        credentials = answer(algorithm=algorithm, qop=qop, body=b"v=0")
        account = decide(accounts, credentials, b"v=0")
        assert (account.username, account.realm) == ("alice", REALM)
        # What the proof that the server knows it too is made with.
        assert account.ha1(algorithm) == ALICE.digests[hashOf(algorithm)]

    def test_wrong(self, accounts: Any) -> None:
        assert decide(accounts, answer(password="Wonderland")) is None
        assert decide(accounts, answer(username="carol")) is None
        assert decide(accounts, answer(username="Alice")) is None
        assert decide(accounts, answer(qop=("auth-int",), body=b"v=0"), b"v=1") is None
        credentials = answer()
        assert decide(accounts, credentials._replace(uri="sip:example.net")) is None
        assert decide(accounts, credentials._replace(nonce="another")) is None
        assert decide(accounts, credentials._replace(realm="example.net")) is None
        assert decide(accounts, credentials._replace(response="")) is None
        assert decide(accounts, credentials._replace(response="\udcff" * 64)) is None

    def test_notComputable(self, accounts: Any) -> None:
        assert decide(accounts, answer()._replace(algorithm="SHA-1")) is None
        assert decide(accounts, answer()._replace(qop="auth-conf")) is None

    def test_knows(self, own: OwnAccounts, passwords: CheckedAccounts) -> None:
        assert own.knows("alice", REALM)
        assert not own.knows("alice", "example.net")
        assert not own.knows("carol", REALM)
        # Nobody can ask it without a password.
        assert not passwords.knows("alice", REALM)

    def test_namesThatNobodyHas(self, accounts: Any) -> None:
        for name in ("", "\udcff", "alice\0", "a" * 10_000, "alice:wonderland"):
            assert decide(accounts, answer()._replace(username=name)) is None


class TestOwnAccounts:
    def test_theAccountItself(self, own: OwnAccounts) -> None:
        assert decide(own, answer()) == ALICE

    @pytest.mark.parametrize("algorithm", HASHES)
    def test_hiddenName(self, own: OwnAccounts, algorithm: str) -> None:
        credentials = answer(algorithm=algorithm, userhash=True)
        assert credentials.username != "alice"
        assert decide(own, credentials) == ALICE
        shouted = credentials._replace(username=credentials.username.upper())
        assert decide(own, shouted) == ALICE
        assert decide(own, answer(password="wrong", userhash=True)) is None
        assert decide(own, answer(username="carol", userhash=True)) is None

    @pytest.mark.parametrize("username", ["alice", "carol"])
    def test_strangersTakeAsLong(self, own: OwnAccounts, username: str) -> None:
        """Who tries names learns nothing from the time that it takes to be refused."""
        compared = []

        class Watched(Credentials):
            def matches(self, ha1: str, method: str, body: bytes = b"") -> bool:
                compared.append(len(ha1))
                return super().matches(ha1, method, body)

        assert decide(own, Watched(*answer(username=username, password="wrong"))) is None
        assert compared == [64]

    def test_anotherRealm(self) -> None:
        accounts = OwnAccounts(MemoryAccounts(ALICE, newAccount("alice", "example.net", "cooper")))
        assert decide(accounts, answer(realm="example.net")) is None
        assert decide(accounts, answer(realm="example.net", password="cooper")).realm == (
            "example.net"
        )

    def test_anAlgorithmThatTheAccountLacks(self) -> None:
        few = Account("alice", REALM, {"MD5": ALICE.digests["MD5"]})
        accounts = OwnAccounts(MemoryAccounts(few))
        assert decide(accounts, answer(algorithm="MD5")) == few
        assert decide(accounts, answer(algorithm="SHA-256")) is None

    def test_unreadableStore(self) -> None:
        class Broken:
            def find(self, username: str, realm: str) -> None:
                raise OSError("the disk is gone")

        outcome = decide(OwnAccounts(Broken()), answer())
        assert isinstance(outcome, OSError)


class TestCheckedAccounts(SynchronousTestCase):
    def test_onlyDigestsByMD5(self) -> None:
        accounts = CheckedAccounts(HTDigest(), Clock())
        assert accounts.algorithms == {"MD5"}
        account = decide(accounts, answer(algorithm="MD5"))
        assert account == Account("alice", REALM, {"MD5": ALICE.digests["MD5"]})
        assert decide(accounts, answer(algorithm="MD5", password="wrong")) is None
        assert decide(accounts, answer(algorithm="SHA-256")) is None

    def test_hiddenName(self) -> None:
        assert decide(CheckedAccounts(HTDigest(), Clock()), answer(userhash=True)) is None

    def test_later(self) -> None:
        asked: list[tuple[Any, Deferred[bytes]]] = []

        @implementer(ICredentialsChecker)
        class Slow:
            credentialInterfaces = (IUsernameHashedPassword,)

            def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
                asked.append((credentials, Deferred()))
                return asked[-1][1]

        clock, decision = Clock(), Decision()
        accounts = CheckedAccounts(Slow(), clock)
        accounts.check(answer(), "REGISTER", b"", decision.told.append)
        clock.advance(9)
        assert decision.told == []
        ((credentials, deferred),) = asked
        assert credentials.checkPassword(b"wonderland")
        deferred.callback(b"alice")
        assert decision.only.username == "alice"
        clock.advance(9)
        assert clock.getDelayedCalls() == []

    def test_never(self) -> None:
        """Somebody waits for an answer, and a transaction with him."""

        @implementer(ICredentialsChecker)
        class Silent:
            credentialInterfaces = (IUsernameHashedPassword,)

            def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
                return Deferred()

        clock, decision = Clock(), Decision()
        accounts = CheckedAccounts(Silent(), clock)
        accounts.check(answer(), "REGISTER", b"", decision.told.append)
        clock.advance(10)
        assert isinstance(decision.only, TimeoutError)

    def test_nobodyCanTell(self) -> None:
        @implementer(ICredentialsChecker)
        class Away:
            credentialInterfaces = (IUsernameHashedPassword,)

            def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
                raise ConnectionError("no directory server")

        outcome = decide(CheckedAccounts(Away(), Clock()), answer())
        assert isinstance(outcome, ConnectionError)

    def test_yesWithoutALook(self) -> None:
        """A checker that has compared nothing has nothing to say."""

        @implementer(ICredentialsChecker)
        class Careless:
            credentialInterfaces = (IUsernameHashedPassword,)

            def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
                return succeed(credentials.username)

        assert decide(CheckedAccounts(Careless(), Clock()), answer(password="wrong")) is None

    def test_whoeverIsToldFails(self) -> None:
        """It is told once, and the failure goes into the log."""
        told = []

        def fails(outcome: object) -> None:
            told.append(outcome)
            raise RuntimeError("told")

        CheckedAccounts(HTDigest(), Clock()).check(answer(algorithm="MD5"), "REGISTER", b"", fails)
        assert len(told) == 1
        assert len(self.flushLoggedErrors(RuntimeError)) == 1


class Avatar(Interface):
    """What somebody who is let in gets."""


@implementer(IRealm)
class Avatars:
    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        return Avatar, avatarId, lambda: None


def login(accounts: Any, credentials: Any) -> Any:
    portal = Portal(Avatars(), [accounts.checker(REALM)])
    _, avatar, _ = result(portal.login(credentials, None, Avatar))
    return avatar


class TestPortals:
    """As HTTP uses it."""

    def test_basic(self, own: OwnAccounts, passwords: CheckedAccounts) -> None:
        right = UsernamePassword(b"alice", b"wonderland")
        assert login(own, right) == b"alice@example.com"
        assert login(passwords, right) == b"alice"

    def test_digest(self, own: OwnAccounts, passwords: CheckedAccounts) -> None:
        assert login(own, DigestAnswer(answer(), "REGISTER")) == b"alice@example.com"
        assert login(passwords, DigestAnswer(answer(), "REGISTER")) == b"alice"

    def test_basicInAnotherForm(self) -> None:
        accounts = OwnAccounts(MemoryAccounts(newAccount("ren\u00e9", REALM, "\u00e9tude")))
        typed = UsernamePassword("rene\u0301".encode(), "e\u0301tude".encode())
        assert login(accounts, typed) == "ren\u00e9@example.com".encode()

    @pytest.mark.parametrize(
        "credentials",
        [
            UsernamePassword(b"alice", b"Wonderland"),
            UsernamePassword(b"alice", b""),
            UsernamePassword(b"carol", b"wonderland"),
            UsernamePassword(b"\xff", b"\xff"),
            DigestAnswer(answer(password="wrong"), "REGISTER"),
            DigestAnswer(answer(), "INVITE"),
        ],
    )
    def test_wrong(self, accounts: Any, credentials: Any) -> None:
        with pytest.raises(UnauthorizedLogin):
            login(accounts, credentials)

    def test_whoeverWasLetIn(self, own: OwnAccounts, passwords: CheckedAccounts) -> None:
        """What a realm of C{twisted.cred} makes an avatar of."""
        right = UsernamePassword(b"alice", b"wonderland")
        assert own.account(login(own, right), REALM) == ALICE
        assert passwords.account(login(passwords, right), REALM) == Account("alice", REALM)
        assert own.account(b"carol@example.com", REALM) is None
        assert own.account(b"alice@example.com", "example.net") is None
        assert passwords.account((), REALM) is None

    def test_namesWithAnAt(self) -> None:
        odd = newAccount("dave@example.com", REALM, "secret")
        accounts = OwnAccounts(MemoryAccounts(odd))
        said = UsernamePassword(b"dave@example.com", b"secret")
        assert accounts.account(login(accounts, said), REALM) == odd

    def test_theStrongestDigestCounts(self) -> None:
        """MD5 is all that an old account has; but where there is another, it is not asked."""
        weak = Account("alice", REALM, {"MD5": ALICE.digests["MD5"]})
        odd = Account("bob", REALM, {"MD5": ALICE.digests["MD5"], "SHA-256": "0" * 64})
        accounts = OwnAccounts(MemoryAccounts(weak, odd))
        assert login(accounts, UsernamePassword(b"alice", b"wonderland")) == b"alice@example.com"
        with pytest.raises(UnauthorizedLogin):
            login(accounts, UsernamePassword(b"bob", b"wonderland"))
