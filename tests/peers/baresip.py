"""baresip, a telephone of its own make, without a person: it rings, answers and hangs up by the
commands of a test, and tells what happens to it.

Its sound is a sine from a file of code and goes to nowhere. Everything it sends stays on loopback:
no STUN, no DNS, RTP from phone to phone.
"""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.configuration import DOMAIN, Endpoint
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.processes import Program
from tests.support.sipclient import bracketed

MODULES = ("g711.so", "ausine.so", "aufile.so")
APPLICATIONS = ("menu.so", "ctrl_tcp.so")

Event = dict[str, Any]


class Netstrings:
    """Takes JSON values out of the stream of netstrings that C{ctrl_tcp} sends."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Event]:
        self._buffer += data
        values: list[Event] = []
        while True:
            length, colon, rest = self._buffer.partition(b":")
            if not colon or len(rest) <= int(length):
                return values
            values.append(json.loads(rest[: int(length)]))
            self._buffer = rest[int(length) + 1 :]

    @staticmethod
    def write(value: Event) -> bytes:
        data = json.dumps(value).encode()
        return b"%d:%b," % (len(data), data)


class Baresip:
    """One phone with one account, registered through one endpoint of the server."""

    def __init__(
        self,
        path: str,
        directory: Path,
        user: str,
        server: Endpoint,
        authority: Path,
        password: str = "none",
    ) -> None:
        """
        @param path: of the program.
        @param directory: for its settings and its log; made here.
        @param authority: file of the certificates that the server's may be signed by.
        @param password: of the user, if the server asks for one.
        """
        self.user = user
        self.aor = f"sip:{user}@{DOMAIN}"
        self.server = server
        self.events: list[Event] = []
        self._answers: dict[str, Event] = {}
        self._netstrings = Netstrings()
        self._control = ("127.0.0.1", freePort())
        self._tokens = 0
        self._password = password
        directory.mkdir(parents=True)
        self._writeSettings(directory, authority)
        self.program = Program(
            [path, "-6" if ":" in server.host else "-4", "-s", "-f", str(directory)],
            directory / "baresip.log",
            directory=directory,
        )
        waitFor(self._connect, f"the control port of the phone of {user}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()
        self.program.kill()

    def _writeSettings(self, directory: Path, authority: Path) -> None:
        host = bracketed(self.server.host)
        lines = [
            # Its port for TLS is the next one.
            f"sip_listen {host}:{freePort(2)}",
            f"sip_cafile {authority}",
            f"net_interface {self.server.host}",
            "dns_server 127.0.0.1:9",  # no resolver: whoever asks has lost
            f"ctrl_tcp_listen {self._control[0]}:{self._control[1]}",
            "module_path /usr/lib/baresip/modules",
            "audio_source ausine,440",
            "ausrc_srate 48000",  # what ausine makes, and nothing else
            "ausrc_channels 2",
            f"audio_player aufile,{directory}/heard.wav",
            f"audio_alert aufile,{directory}/alert.wav",
            "rtp_timeout 30",
            *(f"module {name}" for name in MODULES),
            "module_tmp account.so",
            *(f"module_app {name}" for name in APPLICATIONS),
        ]
        (directory / "config").write_text("\n".join(lines) + "\n")
        transport = self.server.transport
        (directory / "accounts").write_text(
            f"<{self.aor};transport={transport}>"
            f';outbound="{self.server.uri}";auth_pass={self._password}'
            ";regint=600;answermode=manual\n"
        )

    def _connect(self) -> bool:
        assert self.program.status is None, self.program.output()
        try:
            self.socket = socket.create_connection(self._control, 1.0)
        except ConnectionRefusedError:
            return False
        self.socket.setblocking(False)
        return True

    def _read(self) -> None:
        while True:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            if not data:
                return
            for value in self._netstrings.feed(data):
                if value.get("response"):
                    self._answers[value.get("token", "")] = value
                else:
                    self.events.append(value)

    def command(self, name: str, parameters: str = "") -> str:
        """Give a command, such as C{dial}, and wait for its answer.

        @return: what the phone says to it.
        """
        self._tokens += 1
        token = str(self._tokens)
        value = {"command": name, "params": parameters, "token": token}
        self.socket.sendall(Netstrings.write(value))

        def answered() -> Event | None:
            self._read()
            return self._answers.get(token)

        answer = waitFor(answered, f"the answer of {self.user}'s phone to {name}")
        assert answer and answer["ok"], answer
        return str(answer["data"])

    def log(self) -> str:
        """What the phone has written, without the bit rate that it shows ten times a second."""
        return re.sub(r"\s*\[\d+:\d\d:\d\d\] audio=.*", "", self.program.output())[-8000:]

    def awaitRegistered(self) -> None:
        """Wait until the server has taken the registration that a phone begins with."""
        # The event may be over before there is a control connection to tell it.
        try:
            waitFor(lambda: "OK" in self.command("reginfo"), f"a registration of {self.aor}")
        except TimeoutError as error:
            error.add_note(self.log())
            raise

    def expect(self, kind: str, timeout: float = 15.0) -> Event:
        """Wait for an event such as C{CALL_ESTABLISHED}, and take it. The others stay: which of
        sound and signalling is first at a phone is a matter of luck."""

        def found() -> Event | None:
            self._read()
            return next((event for event in self.events if event["type"] == kind), None)

        try:
            event = waitFor(found, f"{kind} at {self.user}'s phone", timeout)
        except TimeoutError as error:
            error.add_note(f"{[event['type'] for event in self.events]}\n{self.log()}")
            raise
        assert event
        self.events.remove(event)
        return event

    def forget(self) -> None:
        """Drop the events so far."""
        self._read()
        self.events.clear()


def connect(caller: Baresip, callee: Baresip) -> None:
    """Dial, ring, lift the receiver: until the call is established at both ends."""
    caller.forget()
    callee.forget()
    caller.command("dial", callee.aor)
    callee.expect("CALL_INCOMING")
    caller.expect("CALL_RINGING")
    callee.command("accept")
    caller.expect("CALL_ESTABLISHED")
    callee.expect("CALL_ESTABLISHED")
