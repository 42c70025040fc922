"""What a call costs in a worker that proxies it, message by message: C{python -m bench.proxycall}.

A caller and a callee that cost nothing talk through a whole worker (L{bench.rig}). Time passes at
the rate of the calls, so there are as many old transactions as there would be, and the collector is
on. What remains outside is the kernel.
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
from sipapp.location import Binding
from sipapp.resources.sip.proxy import Proxy, ProxySettings

_CALLER = ("192.0.2.101", 5060)
_CALLEE = ("192.0.2.102", 5070)
_USERS = 1000
_ROUNDS = 7
#: Calls in a second.
_RATE = 300.0

_STEPS = ("INVITE", "180", "200", "ACK", "BYE", "200 BYE", "timers")

_SDP = (
    b"v=0\r\no=caller 1 1 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class Rig(WorkerRig):
    """A worker that proxies, and both ends of its calls.

    @ivar spent: for each kind of message, the processor time for it so far, in seconds.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        for number in range(_USERS):
            binding = Binding(
                f"sip:u{number}@{_CALLEE[0]}:{_CALLEE[1]};transport=UDP", 1e9, callID="x"
            )
            self.location.update(f"sip:u{number}@example.test", lambda present, b=binding: (b,))
        while self.reactor.getDelayedCalls():
            self.reactor.advance(0)
        self.serve(Proxy(ProxySettings(), self))
        self.spent = dict.fromkeys(_STEPS, 0.0)
        self._number = 0

    def _step(self, name: str, data: bytes, address: tuple[str, int], count: int) -> list[bytes]:
        """Let a datagram arrive.

        @param count: how many leave for it.
        @return: them.
        """
        self.wire.arrived.append((data, address))
        started = time.process_time()
        self.port.doRead()
        self.spent[name] += time.process_time() - started
        sent = [data for data, _ in self.wire.sent]
        assert len(sent) == count, (name, sent)
        self.wire.sent.clear()
        return sent

    def call(self) -> None:
        """One call, from INVITE to BYE."""
        self._number = number = self._number + 1
        user = b"u%d" % (number % _USERS)

        def request(method: bytes, cseq: int, uri: bytes, tag: bytes, *more: bytes) -> bytes:
            body = _SDP if method == b"INVITE" else b""
            return b"\r\n".join(
                (
                    b"%b %b SIP/2.0" % (method, uri),
                    b"Via: SIP/2.0/UDP %b:%d;branch=z9hG4bK-%b-%d;rport"
                    % (_CALLER[0].encode(), _CALLER[1], method, number),
                    b"Max-Forwards: 70",
                    *more,
                    b"From: <sip:caller@example.test>;tag=4711c%d" % number,
                    b"To: <sip:%b@example.test>%b" % (user, tag),
                    b"Call-ID: %d-4711@%b" % (number, _CALLER[0].encode()),
                    b"CSeq: %d %b" % (cseq, method),
                    *([b"Content-Type: application/sdp"] if body else []),
                    b"Content-Length: %d" % len(body),
                    b"",
                    body,
                )
            )

        contact = b"Contact: <sip:caller@%b:%d;transport=UDP>" % (_CALLER[0].encode(), _CALLER[1])
        invite = request(b"INVITE", 1, b"sip:%b@example.test" % user, b"", contact)
        _, forwarded = self._step("INVITE", invite, _CALLER, 2)
        self._step("180", _answer(forwarded, b"180 Ringing", b""), _CALLEE, 1)
        (answer,) = self._step("200", _answer(forwarded, b"200 OK", _SDP), _CALLEE, 1)
        routes = [
            b"Route: " + line[14:]
            for line in reversed(answer.split(b"\r\n"))
            if line[:13].lower() == b"record-route:"
        ]
        place = b"sip:%b:%d;transport=UDP" % (_CALLEE[0].encode(), _CALLEE[1])
        self._step("ACK", request(b"ACK", 1, place, b";tag=s1", *routes), _CALLER, 1)
        bye = request(b"BYE", 2, place, b";tag=s1", *routes)
        (forwarded,) = self._step("BYE", bye, _CALLER, 1)
        self._step("200 BYE", _answer(forwarded, b"200 OK", b""), _CALLEE, 1)
        started = time.process_time()
        self.reactor.advance(1 / _RATE)
        self.spent["timers"] += time.process_time() - started
        self.wire.sent.clear()


def _answer(request: bytes, status: bytes, body: bytes) -> bytes:
    """What the callee says to a request."""
    lines = request[: request.index(b"\r\n\r\n")].split(b"\r\n")
    kept = [
        line
        for line in lines
        if line.partition(b":")[0] in (b"Via", b"Record-Route", b"From", b"To", b"Call-ID", b"CSeq")
    ]
    if b";tag=s1" not in request:
        kept = [line + b";tag=s1" if line[:3] == b"To:" else line for line in kept]
    more = []
    if b"INVITE" in request[:6]:
        more.append(b"Contact: <sip:%b:%d;transport=UDP>" % (_CALLEE[0].encode(), _CALLEE[1]))
    if body:
        more.append(b"Content-Type: application/sdp")
    more.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join((b"SIP/2.0 " + status, *kept, *more, b"", body))


def main(calls: int = 3000, profiled: bool = False) -> None:
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(Path(directory))
        for _ in range(200):
            rig.call()
        gc.collect()
        gc.freeze()
        if profiled:
            profile = cProfile.Profile()
            profile.runcall(lambda: [rig.call() for _ in range(calls)])
            pstats.Stats(profile).sort_stats("tottime").print_stats(60)
            return
        for _ in range(int(40 * _RATE)):
            rig.call()
        rounds: list[dict[str, float]] = []
        for _ in range(_ROUNDS):
            rig.spent = dict.fromkeys(_STEPS, 0.0)
            for _ in range(calls):
                rig.call()
            rounds.append({name: spent / calls * 1e6 for name, spent in rig.spent.items()})
        for name in _STEPS:
            print(f"{statistics.median(each[name] for each in rounds):8.1f} µs  {name}")
        total = [sum(each.values()) for each in rounds]
        print(f"{statistics.median(total):8.1f} µs  a call (lowest {min(total):.1f})")
        rig.close()


if __name__ == "__main__":
    main(profiled="--profile" in sys.argv)
