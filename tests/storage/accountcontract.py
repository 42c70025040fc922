"""What every provider of L{IAccountStore} promises. Its subclasses name the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from sipapp.interfaces import IAccountStore
from sipapp.sip.digest import HASHES
from sipapp.sip.digest.algorithms import userHash
from sipapp.storage import Account, AccountExists, NoSuchAccount, newAccount

ALICE = newAccount("alice", "example.com", "wonderland")
BOB = newAccount("bob", "example.com", "builder", "operator")
OTHER_ALICE = newAccount("alice", "example.net", "cooper")


def result(deferred: Deferred[Any]) -> Any:
    """What a Deferred has that has fired; a Failure is raised."""
    outcomes: list[Any] = []
    deferred.addBoth(outcomes.append)
    (outcome,) = outcomes
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome


class AccountStoreContract:
    """Subclasses provide C{open}."""

    def open(self) -> Any:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _surroundings(self, tmp_path: Path) -> Iterator[None]:
        self.path = tmp_path / "accounts.db"
        self.store = self.open()
        yield
        self.store.close()

    def test_providesTheInterface(self) -> None:
        assert verifyObject(IAccountStore, self.store)

    def test_nobodyIsThereAtFirst(self) -> None:
        assert self.store.find("alice", "example.com") is None
        assert result(self.store.accounts()) == ()

    def test_allFieldsComeBack(self) -> None:
        result(self.store.add(BOB))
        assert self.store.find("bob", "example.com") == BOB
        assert set(BOB.digests) == set(HASHES)

    def test_someDigestsAreEnough(self) -> None:
        few = Account("carol", "example.com", {"MD5": "0" * 32})
        result(self.store.add(few))
        assert self.store.find("carol", "example.com") == few

    def test_nameAndRealmCountCharacterByCharacter(self) -> None:
        result(self.store.add(ALICE, OTHER_ALICE))
        assert self.store.find("alice", "example.net") == OTHER_ALICE
        for name, realm in (
            ("Alice", "example.com"),
            ("alice", "Example.com"),
            ("alice ", "example.com"),
            ("alice\0", "example.com"),
            ("", "example.com"),
            ("alice", ""),
            ("%", "example.com"),
            ("alice' OR 1=1 --", "example.com"),
            ("al\udcffice", "example.com"),
            ("alice", "\udcff"),
        ):
            assert self.store.find(name, realm) is None
            assert self.store.findHashed(name, realm) is None

    def test_hashedNames(self) -> None:
        result(self.store.add(ALICE, BOB, OTHER_ALICE))
        for algorithm in HASHES:
            hashed = userHash(algorithm, "bob", "example.com")
            assert self.store.findHashed(hashed, "example.com") == BOB
            assert self.store.findHashed(hashed, "example.net") is None
        result(self.store.remove("bob", "example.com"))
        assert self.store.findHashed(hashed, "example.com") is None

    def test_addedOnce(self) -> None:
        result(self.store.add(ALICE))
        with pytest.raises(
            AccountExists, match=r"there is a user 'alice' of 'example\.com' already"
        ):
            result(self.store.add(newAccount("alice", "example.com", "another")))
        assert self.store.find("alice", "example.com") == ALICE

    def test_addedTogetherOrNotAtAll(self) -> None:
        result(self.store.add(ALICE))
        with pytest.raises(AccountExists):
            result(self.store.add(BOB, ALICE, OTHER_ALICE))
        assert result(self.store.accounts()) == (ALICE,)

    def test_replaced(self) -> None:
        result(self.store.add(ALICE, OTHER_ALICE))
        changed = newAccount("alice", "example.com", "another", "admin")
        result(self.store.replace(changed))
        assert self.store.find("alice", "example.com") == changed
        hashed = userHash("SHA-256", "alice", "example.com")
        assert self.store.findHashed(hashed, "example.com") == changed
        assert self.store.find("alice", "example.net") == OTHER_ALICE

    def test_onlyWhoIsThereIsReplaced(self) -> None:
        with pytest.raises(NoSuchAccount, match=r"there is no user 'alice' of 'example\.com'"):
            result(self.store.replace(ALICE))
        assert result(self.store.accounts()) == ()

    def test_removed(self) -> None:
        result(self.store.add(ALICE, OTHER_ALICE))
        result(self.store.remove("alice", "example.com"))
        assert self.store.find("alice", "example.com") is None
        assert result(self.store.accounts()) == (OTHER_ALICE,)
        with pytest.raises(NoSuchAccount):
            result(self.store.remove("alice", "example.com"))

    def test_sorted(self) -> None:
        result(self.store.add(OTHER_ALICE, BOB, ALICE))
        assert result(self.store.accounts()) == (ALICE, BOB, OTHER_ALICE)
        assert result(self.store.accounts("example.net")) == (OTHER_ALICE,)
        assert result(self.store.accounts("nowhere")) == ()
