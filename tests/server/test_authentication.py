"""A nonce is good on every worker of a real server, and each of its counts once, on whichever."""

from __future__ import annotations

from itertools import cycle, islice

import pytest

from sipapp.sip.digest import Challenge, answerTo, parseChallenge
from sipapp.storage import AccountFile, newAccount
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.dialog import Call, Callee
from tests.support.sipclient import SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import Received, workerCode

USER, CALLER, PASSWORD = "alice", "caller", "wonderland"
REGISTRAR = f"sip:{DOMAIN}"
AOR = f"sip:{USER}@{DOMAIN}"
WORKERS = 4
#: Questions with different Call-IDs, by which all workers of a pool have been asked.
ENOUGH = 100


@pytest.fixture
def guarded(configuration: Configuration) -> Configuration:
    """A server whose users have to prove that they are."""
    chain = ["authenticate", "options", "registrar", "proxy"]
    configuration.listen("udp", workers=WORKERS, resources=chain)
    configuration.listen("tcp", workers=1, resources=chain)
    configuration.tables["resource.authenticate"] = {
        "algorithms": ["MD5", "SHA-256", "SHA-512-256"]
    }
    configuration.stateDirectory.mkdir(parents=True, exist_ok=True)
    accounts = AccountFile(configuration.stateDirectory / "accounts.db")
    accounts.add(newAccount(USER, DOMAIN, PASSWORD), newAccount(CALLER, DOMAIN, PASSWORD))
    accounts.close()
    return configuration


def register(phone: SIPSocket, proof: str | None = None) -> Received:
    extra = [("Contact", f"<{phone.contact(USER)}>"), ("Expires", "600")]
    if proof is not None:
        extra.append(("Authorization", proof))
    return phone.ask("REGISTER", REGISTRAR, fromURI=AOR, toURI=AOR, extra=extra)


def challenges(answer: Received) -> list[Challenge]:
    names = ("www-authenticate", "proxy-authenticate")
    return [parseChallenge(text) for name, text in answer.headers if name in names]


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


def test_a_call(guarded: Configuration, startServer: ServerStarter) -> None:
    """The challenge takes no transaction and its ACK ends here; the proof goes no further, that in
    the ACK neither; and nothing is asked again within the dialog."""
    server = startServer(guarded)
    udp = server.endpoint("udp").address
    with UDPSocket(udp) as phone, UDPSocket(udp) as client:
        assert register(phone, proofs(register(phone))[0]).status == 200
        callee = Callee(phone, USER)
        refused = Call(client, AOR, f"sip:{CALLER}@{DOMAIN}")
        client.send(refused.invite())
        answer = client.receive()
        assert answer.status == 407
        client.send(refused.ackFailure(answer))
        (challenge, *_) = challenges(answer)
        proof = answerTo(challenge, CALLER, PASSWORD, "INVITE", AOR, "cnonce")
        line = ("Proxy-Authorization", proof)
        call = Call(client, AOR, f"sip:{CALLER}@{DOMAIN}", refused.callID, [line])
        call.cseq = 2
        client.send(call.invite())
        invite = callee.expect("INVITE", call.callID)
        assert invite.cseq == 2
        callee.answer(invite)
        call.awaitFinal("INVITE")
        client.send(call.request("ACK"))
        ack = callee.expect("ACK", call.callID)
        call.headers.clear()
        client.send(call.next("BYE"))
        callee.reply(callee.expect("BYE", call.callID), 200, "OK")
        call.awaitFinal("BYE")
        for message in (invite, ack):
            assert message.get("proxy-authorization") == ""


def test_all_algorithms(guarded: Configuration, startServer: ServerStarter) -> None:
    server = startServer(guarded)
    with StreamSocket(server.endpoint("tcp").address) as phone:
        for algorithm in ("MD5", "SHA-256", "SHA-512-256"):
            answer = register(phone)
            assert register(phone, proofs(answer, algorithm)[0]).status == 200
            wrong = proofs(answer, algorithm, "guess")[1]
            assert register(phone, wrong).status == 401
