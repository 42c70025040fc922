"""What a registration with a password costs in a worker: C{python -m bench.challenges}.

Phones that cost nothing register without credentials, are asked for their password, and answer with
MD5 and C{qop=auth}, as in the scenario C{challenge} of C{make bench}: with a whole worker
(L{bench.rig}), accounts in a SQLite file and nonce counts in an LMDB file. Time passes at the rate
of the registrations, so there are as many answered transactions as there would be, and the
collector is on. What remains outside is the kernel's part of the network.

    python -m bench.challenges              # messages one after the other, as fast as they can
    python -m bench.challenges --cold       # before each turn something else uses the caches
    python -m bench.challenges --profile

The lowest of several rounds counts: company on the machine makes all of them dearer, but hardly
each alike.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import md5
from pathlib import Path

from bench.rig import WorkerRig
from sipapp.resources.sip.authenticate import Authenticate, AuthenticateSettings
from sipapp.resources.sip.registrar import Registrar, RegistrarSettings
from sipapp.storage import OwnAccounts, SQLiteAccounts, newAccount
from sipapp.storage.accountfile import AccountFile
from sipapp.storage.nobans import NoBans
from sipapp.storage.noncecounts import NonceCounts

_PHONES = ("192.0.2.101", 5061)
_REALM = "example.test"
_USERS = 10_000
_TURNS = (1, 20)
_ROUNDS = 9
#: Registrations in a round.
_EACH = 2_000
#: Registrations in a second.
_RATE = 500.0
#: Bytes that are touched to empty the caches.
_CACHES = 4 << 20

_STEPS = ("REGISTER, 401", "with an answer, 200")

_REGISTER = (
    "REGISTER sip:example.test SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5061;branch=z9hG4bK-{user}-{cseq};rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:u{user}@example.test>;tag=4711r{user}\r\n"
    "To: <sip:u{user}@example.test>\r\n"
    "Call-ID: {user}-4711@192.0.2.101\r\n"
    "CSeq: {cseq} REGISTER\r\n"
    "Contact: <sip:u{user}@192.0.2.101:{port};transport=UDP>\r\n"
    "Expires: 3600\r\n"
    "{answer}"
    "Content-Length: 0\r\n\r\n"
)
# As sipp writes it.
_ANSWER = (
    'Authorization: Digest username="u{user}",realm="example.test",cnonce="6b8b4567",nc=00000001,'
    'qop=auth,uri="sip:192.0.2.1:5060",nonce="{nonce}",response="{response}",algorithm=MD5\r\n'
)

_nonce = re.compile(rb'nonce="([^"]*)"').search


class Rig(WorkerRig):
    """A worker that asks for passwords, with a registrar, and the phones of its users.

    @ivar spent: for each of the two requests, the processor time so far, in seconds.
    @ivar isCold: whether there is something else in the caches before each turn.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        with AccountFile(directory / "accounts.db") as file:
            file.add(*(newAccount(f"u{user}", _REALM, f"secret-u{user}") for user in range(_USERS)))
        self.accounts = OwnAccounts(SQLiteAccounts(directory / "accounts.db"))
        self.bans = NoBans()
        self.nonceCounts = NonceCounts(
            directory / "noncecounts", self.driver.turns.atEnd, clock=self.reactor.seconds
        )
        self.serve(
            Authenticate(AuthenticateSettings(algorithms=("MD5",)), self),
            Registrar(RegistrarSettings(), self),
        )
        self.spent = dict.fromkeys(_STEPS, 0.0)
        self.isCold = False
        self._others = [memoryview(bytearray(_CACHES)) for _ in range(2)]
        self._number = 0

    def _step(self, name: str, requests: Sequence[str], status: bytes) -> list[bytes]:
        """Let requests arrive, all in one turn.

        @param status: of the answers.
        @return: them.
        """
        self.wire.arrived.extend([(request.encode(), _PHONES) for request in requests])
        if self.isCold:
            self._others[0][:] = self._others[1]
        started = time.process_time()
        self.port.doRead()
        self.spent[name] += time.process_time() - started
        answers = [data for data, _ in self.wire.sent]
        self.wire.sent.clear()
        assert len(answers) == len(requests)
        assert all(answer.startswith(status, 8) for answer in answers), answers
        return answers

    def register(self, turn: int) -> None:
        """Let so many users register at once."""
        first, self._number = self._number, self._number + turn
        users = [number * 7919 % _USERS for number in range(first, self._number)]
        cseqs = [2 * (number // _USERS) + 1 for number in range(first, self._number)]
        requests = [
            _REGISTER.format(user=user, cseq=cseq, port=10_000 + user, answer="")
            for user, cseq in zip(users, cseqs, strict=True)
        ]
        challenges = self._step(_STEPS[0], requests, b"401")
        requests = [
            _REGISTER.format(
                user=user, cseq=cseq + 1, port=10_000 + user, answer=_answer(user, challenge)
            )
            for user, cseq, challenge in zip(users, cseqs, challenges, strict=True)
        ]
        self._step(_STEPS[1], requests, b"200")
        started = time.process_time()
        self.reactor.advance(turn / _RATE)
        self.spent[_STEPS[1]] += time.process_time() - started

    def round(self, turn: int, count: int = _EACH) -> dict[str, float]:
        """
        @return: what the two requests cost, in µs.
        """
        self.spent = dict.fromkeys(_STEPS, 0.0)
        for _ in range(count // turn):
            self.register(turn)
        return {name: spent / count * 1e6 for name, spent in self.spent.items()}

    def close(self) -> None:
        self.nonceCounts.close()
        super().close()


def _answer(user: int, challenge: bytes) -> str:
    """What a phone answers to a challenge."""
    found = _nonce(challenge)
    assert found is not None
    nonce = found[1].decode()
    ha1 = _md5(f"u{user}:{_REALM}:secret-u{user}")
    ha2 = _md5("REGISTER:sip:192.0.2.1:5060")
    response = _md5(f"{ha1}:{nonce}:00000001:6b8b4567:auth:{ha2}")
    return _ANSWER.format(user=user, nonce=nonce, response=response)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def main(cold: bool = False, profiled: bool = False) -> None:
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory))
        rig.round(20, 2 * _USERS)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        if profiled:
            profile = cProfile.Profile()
            profile.runcall(rig.round, 1)
            pstats.Stats(profile).sort_stats("tottime").print_stats(60)
        else:
            rig.isCold = cold
            _print(rig)
        rig.close()


def _print(rig: Rig) -> None:
    rounds = [[rig.round(turn) for turn in _TURNS] for _ in range(_ROUNDS)]
    for turn, spent in zip(_TURNS, zip(*rounds, strict=True), strict=True):
        for name in _STEPS:
            each = [one[name] for one in spent]
            print(f"{min(each):8.1f} µs  {name}, {turn} in a turn")
        total = [sum(one.values()) for one in spent]
        print(
            f"{min(total):8.1f} µs  a registration, {turn} in a turn"
            f" (median {statistics.median(total):.1f})"
        )


if __name__ == "__main__":
    main(cold="--cold" in sys.argv, profiled="--profile" in sys.argv)
