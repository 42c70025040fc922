"""What the refresh of a registration costs in a worker: C{python -m bench.refreshes}.

Ten thousand phones that cost nothing renew their bindings, one, two or twenty in a turn, with a
whole worker (L{bench.rig}). Time passes at the rate of the refreshes, so there are as many answered
transactions as there would be, and the collector is on. What remains outside is the kernel's part
of the network.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.rig import WorkerRig
from sipapp.resources.sip.registrar import Registrar, RegistrarSettings

_PHONES = ("192.0.2.101", 5061)
_USERS = 10_000
_TURNS = (1, 2, 20)
_ROUNDS = 9
#: Refreshes in a second.
_RATE = 1000.0

_REGISTER = (
    "REGISTER sip:example.test SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5061;branch=z9hG4bK-{user}-{run};rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:u{user}@example.test>;tag=4711r{user}\r\n"
    "To: <sip:u{user}@example.test>\r\n"
    "Call-ID: {user}-4711@192.0.2.101\r\n"
    "CSeq: {run} REGISTER\r\n"
    "Contact: <sip:u{user}@192.0.2.101:{port};transport=UDP>\r\n"
    "Expires: 3600\r\n"
    "Content-Length: 0\r\n\r\n"
)


class Rig(WorkerRig):
    """A worker with a registrar, and the phones of its users."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.serve(Registrar(RegistrarSettings(), self))
        self._run = 0

    def refresh(self, turn: int) -> float:
        """All users register again, so many in one turn.

        @return: the processor time for one of them, in µs.
        """
        self._run += 1
        requests = [
            _REGISTER.format(user=user, run=self._run, port=10_000 + user).encode()
            for user in (number * 7919 % _USERS for number in range(_USERS))
        ]
        spent = 0.0
        for start in range(0, _USERS, turn):
            self.wire.arrived.extend([(data, _PHONES) for data in requests[start : start + turn]])
            started = time.process_time()
            self.port.doRead()
            self.reactor.advance(turn / _RATE)
            spent += time.process_time() - started
            assert len(self.wire.sent) == turn
            assert all(data.startswith(b"SIP/2.0 200") for data, _ in self.wire.sent)
            self.wire.sent.clear()
        return spent / _USERS * 1e6


def main(profiled: bool = False) -> None:
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory))
        for _ in range(3):
            rig.refresh(20)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        if profiled:
            profile = cProfile.Profile()
            profile.runcall(rig.refresh, 2)
            pstats.Stats(profile).sort_stats("tottime").print_stats(60)
        else:
            rounds = [[rig.refresh(turn) for turn in _TURNS] for _ in range(_ROUNDS)]
            for turn, spent in zip(_TURNS, zip(*rounds, strict=True), strict=True):
                print(
                    f"{statistics.median(spent):8.1f} µs  a refresh, {turn} in a turn"
                    f" (lowest {min(spent):.1f})"
                )
        rig.close()


if __name__ == "__main__":
    main(profiled="--profile" in sys.argv)
