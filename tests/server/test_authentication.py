"""A nonce is good on every worker of a real server, and each of its counts once, on whichever."""

from __future__ import annotations

from itertools import cycle, islice

import pytest

from sipapp.sip.digest import Challenge, answerTo, parseChallenge
from sipapp.storage import AccountFile, newAccount
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.sipclient import SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import Received, workerCode

USER, PASSWORD = "alice", "wonderland"
REGISTRAR = f"sip:{DOMAIN}"
AOR = f"sip:{USER}@{DOMAIN}"
WORKERS = 4
#: Questions with different Call-IDs, by which all workers of a pool have been asked.
ENOUGH = 100


@pytest.fixture
def guarded(configuration: Configuration) -> Configuration:
    """A server with one user, who has to prove that he is."""
    chain = ["authenticate", "options", "registrar", "proxy"]
    configuration.listen("udp", workers=WORKERS, resources=chain)
    configuration.listen("tcp", workers=1, resources=chain)
    configuration.tables["resource.authenticate"] = {
        "algorithms": ["MD5", "SHA-256", "SHA-512-256"]
    }
    configuration.stateDirectory.mkdir(parents=True, exist_ok=True)
    accounts = AccountFile(configuration.stateDirectory / "accounts.db")
    accounts.add(newAccount(USER, DOMAIN, PASSWORD))
    accounts.close()
    return configuration


def register(phone: SIPSocket, proof: str | None = None) -> Received:
    extra = [("Contact", f"<{phone.contact(USER)}>"), ("Expires", "600")]
    if proof is not None:
        extra.append(("Authorization", proof))
    return phone.ask("REGISTER", REGISTRAR, fromURI=AOR, toURI=AOR, extra=extra)


def challenges(answer: Received) -> list[Challenge]:
    return [parseChallenge(text) for name, text in answer.headers if name == "www-authenticate"]


def proofs(answer: Received, algorithm: str = "SHA-256", password: str = PASSWORD) -> list[str]:
    """Answers to a challenge, with one nonce count after the other."""
    (challenge,) = [each for each in challenges(answer) if each.algorithm == algorithm]
    return [
        answerTo(challenge, USER, password, "REGISTER", REGISTRAR, "cnonce", number)
        for number in range(1, ENOUGH)
    ]


def test_all_workers_agree_on_what_has_been_used(
    guarded: Configuration, startServer: ServerStarter
) -> None:
    server = startServer(guarded)
    with UDPSocket(server.endpoint("udp").address) as phone:
        challenge = register(phone)
        assert challenge.status == 401
        accepted: dict[str, str] = {}
        for proof in proofs(challenge):
            answer = register(phone, proof)
            assert answer.status == 200
            accepted[workerCode(answer.toTag)] = proof
            if len(accepted) == WORKERS:
                break
        assert len(accepted) == WORKERS
        refusing = set()
        for proof in islice(cycle(accepted.values()), ENOUGH):
            answer = register(phone, proof)
            assert answer.status == 401
            assert all(each.stale for each in challenges(answer))
            refusing.add(workerCode(answer.toTag))
        assert refusing == set(accepted)
        with StreamSocket(server.endpoint("tcp").address) as connection:
            for proof in accepted.values():
                assert register(connection, proof).status == 401
            fresh = proofs(challenge)[-1]
            assert register(connection, fresh).status == 200
        assert register(phone, fresh).status == 401


def test_all_algorithms(guarded: Configuration, startServer: ServerStarter) -> None:
    server = startServer(guarded)
    with StreamSocket(server.endpoint("tcp").address) as phone:
        for algorithm in ("MD5", "SHA-256", "SHA-512-256"):
            answer = register(phone)
            assert register(phone, proofs(answer, algorithm)[0]).status == 200
            wrong = proofs(answer, algorithm, "guess")[1]
            assert register(phone, wrong).status == 401
