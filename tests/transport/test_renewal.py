"""L{sipapp.transport.renewal}: files that change while the server runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher

from sipapp.transport.pem import stateOf
from sipapp.transport.renewal import INTERVAL, CertificateWatch
from sipapp.transport.tls import ClientTLS, ServerTLS, TLSError
from tests.support.certificates import CertificateAuthority
from tests.transport.test_tls import AnyServer
from tests.transport.workers import Site, request


@pytest.fixture
def log() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


class Loaded:
    """Something made from files.

    @ivar loads: what was in the first of them each time.
    """

    def __init__(self, *files: Path) -> None:
        self.files = [str(file) for file in files]
        self.loads: list[str] = []
        self.load()

    def load(self) -> str:
        self.state = stateOf(self.files)
        try:
            text = Path(self.files[0]).read_text()
        except OSError as error:
            raise TLSError(f"{self.files[0]}: {error.strerror}") from error
        if text == "bad":
            raise TLSError(f"{self.files[0]}: bad")
        self.loads.append(text)
        return text


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> CertificateWatch:
    return CertificateWatch(clock)


def looks(clock: Clock, number: int = 1) -> None:
    clock.pump([INTERVAL] * number)


def write(file: Path, text: str) -> None:
    """Replace a file, as who renews a certificate does."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def test_renewed(tmp_path: Path, clock: Clock, watch: CertificateWatch) -> None:
    """Files that have changed are read when they have come to rest, and once."""
    first, second = tmp_path / "certificate", tmp_path / "key"
    write(first, "old")
    write(second, "old key")
    one = watch.watch(Loaded(first, second))
    looks(clock, 3)
    write(first, "new")
    looks(clock)
    assert one.loads == ["old"]
    write(second, "new key")
    looks(clock)
    assert one.loads == ["old"]
    looks(clock)
    assert one.loads == ["old", "new"]
    looks(clock, 3)
    assert one.loads == ["old", "new"]
    watch.stop()


def test_writtenInPlace(tmp_path: Path, clock: Clock, watch: CertificateWatch) -> None:
    """A file of the same length that is written over has another time."""
    file = tmp_path / "certificate"
    file.write_text("old")
    os.utime(file, (1, 1))
    one = watch.watch(Loaded(file))
    file.write_text("new")
    looks(clock, 2)
    assert one.loads == ["old", "new"]


def test_changedBeforeTheFirstLook(tmp_path: Path, clock: Clock, watch: CertificateWatch) -> None:
    file = tmp_path / "certificate"
    write(file, "old")
    one = Loaded(file)
    write(file, "new")
    watch.watch(one)
    looks(clock, 2)
    assert one.loads == ["old", "new"]


@pytest.mark.parametrize("missing", [False, True])
def test_badIsToldOnce(
    tmp_path: Path, clock: Clock, watch: CertificateWatch, log: list[LogEvent], missing: bool
) -> None:
    """What cannot be used changes nothing, until there is something better."""
    file, other = tmp_path / "certificate", tmp_path / "other"
    write(file, "old")
    write(other, "other")
    one, another = watch.watch(Loaded(file)), watch.watch(Loaded(other))
    if missing:
        file.unlink()
    else:
        write(file, "bad")
    looks(clock, 10)
    said = [formatEvent(event) or "" for event in log]
    reason = "No such file or directory" if missing else "bad"
    assert said == [f"Renewed certificates cannot be used, those of before stay: {file}: {reason}"]
    write(file, "good")
    write(other, "other, renewed")
    looks(clock, 2)
    assert one.loads == ["old", "good"]
    assert another.loads == ["other", "other, renewed"]


def test_nothingToWatch(clock: Clock, watch: CertificateWatch) -> None:
    client = ClientTLS()
    assert watch.watch(client) is client
    assert not clock.getDelayedCalls()
    watch.stop()


def test_stop(tmp_path: Path, clock: Clock, watch: CertificateWatch) -> None:
    file = tmp_path / "certificate"
    write(file, "old")
    watch.watch(Loaded(file))
    watch.stop()
    assert not clock.getDelayedCalls()


@ensureDeferred
async def test_newHandshakesOnly(
    site: Site, tmp_path: Path, clock: Clock, watch: CertificateWatch
) -> None:
    """Connections that are open stay as they are; those that come get what is new, also by name,
    if it can be used."""
    authority = CertificateAuthority(tmp_path)
    first = authority.issue("localhost")
    byName = authority.issue("named.example.test")
    pairs = [(str(certificate), str(key)) for certificate, key in (first, byName)]
    tls = watch.watch(ServerTLS(pairs))
    endpoint = site.bind("TLS")
    site.worker("w1", [0], tls=tls)

    async def shown(name: str | None) -> int:
        phone = await site.tcpPeer(endpoint, AnyServer(name))
        phone.send(request("OPTIONS", via="TLS a"))
        await phone.message()
        certificate = phone.transport.getPeerCertificate().to_cryptography()  # type: ignore[union-attr]
        serial: int = certificate.serial_number
        return serial

    old = await site.tcpPeer(endpoint, AnyServer(None))
    before = await shown(None), await shown("named.example.test")
    assert before == (await shown(None), await shown("named.example.test"))
    authority.issue("localhost")
    authority.issue("named.example.test")
    looks(clock, 2)
    after = await shown(None), await shown("named.example.test")
    assert not set(after) & set(before)
    Path(pairs[0][0]).write_text("nonsense")
    looks(clock, 2)
    assert after == (await shown(None), await shown("named.example.test"))
    old.send(request("OPTIONS", via="TLS a", branch="z9hG4bKold"))
    assert (await old.message()).status == 200
