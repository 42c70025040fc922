"""A good client: asks in every way there is, steadily, and says when it was answered."""

from __future__ import annotations

import selectors
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bench.hostile.attacks import Target
from tests.support.configuration import DOMAIN
from tests.support.dialog import Call, Callee
from tests.support.sipclient import T1, NoMessage, SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import Received, newToken

#: Seconds after which an answer is one that has not come.
_PATIENCE = 5.0


class Asker(Protocol):
    """Somebody with a socket and a question."""

    def ask(self) -> None:
        """
        @raise AssertionError: if there is no answer, or not the right one.
        @raise OSError: if the connection is lost.
        """

    def close(self) -> None: ...


@dataclass(frozen=True)
class Way:
    """A way to ask.

    @ivar open: makes an asker; after a question that was not answered, another one.
    @ivar once: whether there is another one after each question.
    """

    open: Callable[[], Asker]
    once: bool = False


@dataclass
class Answers:
    """What a client has got in one way.

    @ivar times: seconds from a question to its answer. A client that waits for an answer asks
        nothing meanwhile: the questions that it has missed count as if they had been asked when
        they were due, and answered then.
    @ivar lost: why there was no answer, or not the right one; one reason each.
    """

    times: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def answered(self, seconds: float, interval: float) -> None:
        """
        @param seconds: that the answer took.
        @param interval: seconds from one question to the next.
        """
        while seconds > 0:
            self.times.append(seconds)
            seconds -= interval


def _checked(answer: Received) -> None:
    assert answer.status == 200, answer.start


class _Options:
    """OPTIONS for the server itself."""

    def __init__(self, sock: SIPSocket) -> None:
        self._socket = sock

    def ask(self) -> None:
        _checked(self._socket.options(f"sip:{DOMAIN}", timeout=_PATIENCE))

    def close(self) -> None:
        self._socket.close()


class _Registration:
    """A phone that keeps its registration fresh."""

    def __init__(self, phone: SIPSocket) -> None:
        self._phone = phone
        self._user = newToken("fresh-")
        self._cseq = 0

    def ask(self) -> None:
        self._cseq += 1
        _checked(self._phone.register(self._user, callID=self._user, cseq=self._cseq))

    def close(self) -> None:
        self._phone.close()


class _Calling:
    """Calls to a phone, which answers at once, each to its end. What is lost on the way is sent
    again, as by every phone (RFC 3261 §17.1.1.2, §13.3.1.4)."""

    def __init__(self, target: Target) -> None:
        self._caller = UDPSocket(target.udp)
        self._phone = UDPSocket(target.udp)
        user = newToken("called-")
        self._callee = Callee(self._phone, user)
        self._uri = f"sip:{user}@{DOMAIN}"
        _checked(self._phone.register(user))

    def ask(self) -> None:
        call = Call(self._caller, self._uri)
        deadline = time.monotonic() + _PATIENCE
        request = call.invite()
        unacknowledged: Received | None = None
        again = 0.0
        interval = T1
        with selectors.DefaultSelector() as selector:
            for client in (self._caller, self._phone):
                selector.register(client.socket, selectors.EVENT_READ, client)
            while (now := time.monotonic()) < deadline:
                if now >= again:
                    self._caller.send(request)
                    if unacknowledged is not None:
                        self._callee.answer(unacknowledged)
                    again, interval = now + interval, 2 * interval
                for key, _ in selector.select(min(again, deadline) - now):
                    message = key.data.receive(0)
                    if message.callID != call.callID:
                        continue
                    if key.data is self._phone:
                        unacknowledged = self._answer(message)
                    elif message.status >= 200:
                        _checked(message)
                        if message.method == "BYE":
                            return
                        if call.cseq == 1:
                            call.established(message)
                            request = call.next("BYE")
                            again, interval = 0.0, T1
                        self._caller.send(call.ack())
        raise NoMessage(f"the call has not ended within {_PATIENCE} s")

    def _answer(self, message: Received) -> Received | None:
        """
        @return: the INVITE whose ACK has to come.
        """
        if message.method == "INVITE":
            self._callee.answer(message)
            return message
        if message.method == "BYE":
            self._callee.reply(message, 200, "OK")
        return None

    def close(self) -> None:
        self._caller.close()
        self._phone.close()


def waysTo(target: Target, context: ssl.SSLContext) -> dict[str, Way]:
    """
    @param context: trusts the server's certificate.
    @return: every way, by its name in the results.
    """
    overUDP = Way(lambda: _Options(UDPSocket(target.udp)))
    overTCP = Way(lambda: _Options(StreamSocket(target.tcp)))
    overTLS = Way(lambda: _Options(StreamSocket(target.tls, context)))
    return {
        "OPTIONS over UDP": overUDP,
        "OPTIONS over TCP": overTCP,
        "OPTIONS over TLS": overTLS,
        "a new TCP connection": Way(overTCP.open, once=True),
        "a new TLS connection": Way(overTLS.open, once=True),
        "REGISTER": Way(lambda: _Registration(UDPSocket(target.udp))),
        "a call": Way(lambda: _Calling(target)),
    }


class GoodClient:
    """Asks in all ways at the same time, from now on."""

    def __init__(self, ways: Mapping[str, Way], rate: float) -> None:
        """
        @param rate: questions in a second, in each way.
        """
        self._answers = {name: Answers() for name in ways}
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._askSteadily, args=(way, 1 / rate, self._answers[name]))
            for name, way in ways.items()
        ]
        for thread in self._threads:
            thread.start()

    def _askSteadily(self, way: Way, interval: float, answers: Answers) -> None:
        asker: Asker | None = None
        asked = time.monotonic()
        while not self._stopped.wait(max(0.0, asked + interval - time.monotonic())):
            asked = time.monotonic()
            lost = len(answers.lost)
            try:
                asker = asker or way.open()
                asker.ask()
            except (OSError, AssertionError) as error:
                answers.lost.append(f"{type(error).__name__}: {error}")
            else:
                answers.answered(time.monotonic() - asked, interval)
            if asker and (way.once or len(answers.lost) > lost):
                asker.close()
                asker = None
        if asker:
            asker.close()

    def finish(self) -> dict[str, Answers]:
        """Ask no more.

        @return: what it has got, by the name of the way.
        """
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        return self._answers
