"""L{sipapp.transport.tls}: TLS connections, and who the peers have proven to be."""

from __future__ import annotations

import datetime
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from pytest_twisted import ensureDeferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from sipapp.transport.limits import StreamLimits
from sipapp.transport.target import Address
from sipapp.transport.tls import (
    ClientTLS,
    ServerTLS,
    TLSError,
    WrongPeer,
    handshakeFailure,
    peerCertificate,
)
from tests.support.certificates import CertificateAuthority
from tests.transport.workers import LOOPBACK, Outcome, Site, hop, made, request, until

NAME = "sip.example.test"


@pytest.fixture
def log() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


def limitLines(log: list[LogEvent]) -> list[str]:
    return [formatEvent(event) or "" for event in log if "limit" in event]


def issued(authority: CertificateAuthority, *names: str, **more: Any) -> tuple[str, str]:
    certificate, key = authority.issue(*names, **more)
    return str(certificate), str(key)


@pytest.fixture(scope="module")
def pair(authority: CertificateAuthority) -> tuple[str, str]:
    """A certificate of the server and its key."""
    return issued(authority, NAME, LOOPBACK)


def clientContext(
    authority: CertificateAuthority, name: str = NAME, shown: tuple[str, str] | None = None
) -> Any:
    """A phone that trusts the authority.

    @param shown: certificate and key.
    """
    root = Certificate.loadPEM(authority.file.read_bytes())
    own = None
    if shown is not None:
        own = PrivateCertificate.loadPEM(b"".join(Path(file).read_bytes() for file in shown))
    return optionsForClientTLS(name, trustRootFromCertificates([root]), own)


@ensureDeferred
async def test_server(site: Site, authority: CertificateAuthority, pair: tuple[str, str]) -> None:
    """A TLS endpoint shows its certificate, and its flows are secure."""
    tls = site.bind("TLS")
    site.worker("w1", [0], tls=ServerTLS([pair]))
    phone = await site.tcpPeer(tls, clientContext(authority))
    phone.send(request("OPTIONS", via="TLS a"))
    assert (await phone.message()).status == 200
    flow = (await site.users["w1"].requests.get()).request.flow
    assert (flow.transport, flow.secure, flow.reliable) == ("TLS", True, True)
    assert flow.identities == frozenset()


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("sip.example.test", "sip.example.test"),
        ("SIP.Example.Test.", "sip.example.test"),
        ("one.example.test", "one.example.test"),
        ("other-name.example.test", "one.example.test"),
        ("by-uri.example.test", "one.example.test"),
        ("phones.wild.example.test", "*.wild.example.test"),
        # Nobody has it.
        ("a.phones.wild.example.test", "sip.example.test"),
        ("unknown.example.test", "sip.example.test"),
        (None, "sip.example.test"),
    ],
)
@ensureDeferred
async def test_certificateByServerName(
    site: Site,
    authority: CertificateAuthority,
    pair: tuple[str, str],
    asked: str | None,
    shown: str,
) -> None:
    """A client gets the certificate of the name that it asks for (SNI), or else the first."""
    more = "other-name.example.test", "sip:by-uri.example.test"
    one = issued(authority, "one.example.test", *more)
    wild = issued(authority, "*.wild.example.test", file="wild")
    tls = site.bind("TLS")
    site.worker("w1", [0], tls=ServerTLS([pair, one, wild]))
    phone = await site.tcpPeer(tls, AnyServer(asked))
    phone.send(request("OPTIONS", via="TLS a"))
    await phone.message()
    certificate = phone.transport.getPeerCertificate().to_cryptography()  # type: ignore[union-attr]
    [name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == shown


@implementer(IOpenSSLClientConnectionCreator)
class AnyServer:
    """A client that takes any certificate.

    @ivar name: which it asks for.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
        if self.name is not None:
            connection.set_tlsext_host_name(self.name.encode())
        return connection


@ensureDeferred
async def test_policyIsThatOfTheEndpoint(
    site: Site, authority: CertificateAuthority, pair: tuple[str, str]
) -> None:
    """Whichever certificate is shown, the client has to show one if the endpoint wants it."""
    other = issued(authority, "other.example.test")
    tls = site.bind("TLS")
    site.worker("w1", [0], tls=ServerTLS([pair, other], str(authority.file), "required"))
    anonymous = await site.tcpPeer(tls, clientContext(authority, "other.example.test"))
    anonymous.send(request("OPTIONS", via="TLS a"))
    await anonymous.lost
    known = await site.tcpPeer(tls, clientContext(authority, "other.example.test", other))
    known.send(request("OPTIONS", via="TLS a"))
    assert (await known.message()).status == 200
    flow = (await site.users["w1"].requests.get()).request.flow
    assert flow.identities == {"other.example.test"}


@pytest.mark.parametrize(
    ("names", "isGood"),
    [
        ((NAME,), True),
        (("anything.test", f"sip:{NAME}"), True),
        (("other.example.test",), False),
        # RFC 5922 §7.2: no wildcards.
        (("*.example.test",), False),
        # §7.1: a DNS name does not count beside a SIP domain.
        ((NAME, "sip:other.example.test"), False),
    ],
)
@ensureDeferred
async def test_client(
    site: Site,
    authority: CertificateAuthority,
    log: list[LogEvent],
    names: tuple[str, ...],
    isGood: bool,
) -> None:
    """An outgoing connection is only used if the certificate is for the domain of the URI, and the
    far side gets nothing before that is known."""
    server = site.tcpServer(ServerTLS([issued(authority, *names, file="server")]))
    worker = site.worker("w1", [], clientTLS=ClientTLS(str(authority.file)))
    site.names.known[NAME] = [Address("TLS", LOOPBACK, server.port, NAME)]
    outcome = Outcome()
    worker.sender.request(made("OPTIONS"), hop(f"sips:bob@{NAME}"), outcome)
    # What is sent goes to nobody else, so it may depend on that.
    assert outcome.flows[0].identities == {NAME}
    peer = await server.connection()
    if isGood:
        received = await peer.message()
        assert received.via.transport == "TLS"
        peer.send(received.respond(200).toBytes())
        assert (await outcome.responses.get()).status == 200
        assert outcome.flows[0].identities == {NAME}
    else:
        assert (await outcome.failures.get())[0] == 503
        await peer.lost
        assert not peer.received.items
        [line] = limitLines(log)
        assert f"and not of '{NAME}', closed" in line


@ensureDeferred
async def test_clientAtAnAddress(
    site: Site, authority: CertificateAuthority, log: list[LogEvent]
) -> None:
    """Of an address the certificate has to be, and not of what it is called."""
    for names, isGood in (((NAME, LOOPBACK), True), ((NAME, "127.0.0.2"), False)):
        server = site.tcpServer(ServerTLS([issued(authority, *names, file="address")]))
        worker = site.worker(f"w{isGood}".lower(), [], clientTLS=ClientTLS(str(authority.file)))
        outcome = Outcome()
        uri = f"sips:bob@{LOOPBACK}:{server.port}"
        worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
        if isGood:
            assert (await (await server.connection()).message()).method == "OPTIONS"
        else:
            assert (await outcome.failures.get())[0] == 503


@ensureDeferred
async def test_clientAndUnknownAuthority(
    site: Site, pair: tuple[str, str], log: list[LogEvent]
) -> None:
    """A certificate that nobody vouches for is none, whatever it says."""
    server = site.tcpServer(ServerTLS([pair]))
    worker = site.worker("w1", [], clientTLS=ClientTLS())
    site.names.known[NAME] = [Address("TLS", LOOPBACK, server.port, NAME)]
    outcome = Outcome()
    worker.sender.request(made("OPTIONS"), hop(f"sips:bob@{NAME}"), outcome)
    assert (await outcome.failures.get())[0] == 503
    [line] = limitLines(log)
    assert "certificate verify failed, closed" in line


@ensureDeferred
async def test_unverified(site: Site, pair: tuple[str, str]) -> None:
    """Only who asks for it trusts anybody; and then nothing is proven."""
    server = site.tcpServer(ServerTLS([pair]))
    worker = site.worker("w1", [], clientTLS=ClientTLS(verify=False))
    uri = f"sips:bob@127.0.0.1:{server.port}"
    outcome = Outcome()
    worker.sender.request(made("OPTIONS", uri), hop(uri), outcome)
    assert (await (await server.connection()).message()).method == "OPTIONS"
    assert outcome.flows[0].identities == frozenset()


@pytest.mark.parametrize("mode", ["none", "optional", "required"])
@pytest.mark.parametrize("shown", ["none", "good", "stranger's", "server's"])
@ensureDeferred
async def test_clientCertificates(
    site: Site,
    tmp_path: Path,
    authority: CertificateAuthority,
    pair: tuple[str, str],
    log: list[LogEvent],
    mode: Any,
    shown: str,
) -> None:
    """A client has to show a certificate if the endpoint requires one; and whoever shows one must
    have it from an authority that the endpoint knows, for a client. Then it is who it says."""
    own = {
        "none": None,
        "good": issued(authority, "sip:carrier.example", file="carrier"),
        "stranger's": issued(CertificateAuthority(tmp_path), "sip:carrier.example", file="strange"),
        "server's": issued(
            authority,
            "sip:carrier.example",
            file="serverOnly",
            usages=[ExtendedKeyUsageOID.SERVER_AUTH],
        ),
    }[shown]
    tls = site.bind("TLS")
    worker = site.worker("w1", [0], tls=ServerTLS([pair], str(authority.file), mode))
    phone = await site.tcpPeer(tls, clientContext(authority, NAME, own))
    phone.send(request("OPTIONS", via="TLS a"))
    if mode == "none" or shown == "good" or (mode, shown) == ("optional", "none"):
        assert (await phone.message()).status == 200
        flow = (await site.users["w1"].requests.get()).request.flow
        isProven = mode != "none" and shown == "good"
        assert flow.identities == ({"carrier.example"} if isProven else frozenset())
    else:
        await phone.lost
        await until(lambda: not worker.driver.streams.index.all)
        assert not site.users["w1"].requests.items
        [line] = limitLines(log)
        assert line.startswith("Limit handshake of TLS 127.0.0.1:")


@ensureDeferred
async def test_identitiesInOtherWorkers(
    site: Site, authority: CertificateAuthority, pair: tuple[str, str]
) -> None:
    """A worker that gets a request over the bus knows who its peer has proven to be."""
    site.addWorkers("a0", "a1")
    tls = site.bind("TLS")
    holder = site.worker("a0", [0], tls=ServerTLS([pair], str(authority.file), "required"))
    other = site.worker("a1", [])
    own = issued(authority, "sip:carrier.example", file="carrier")
    phone = await site.tcpPeer(tls, clientContext(authority, NAME, own))
    phone.send(request("OPTIONS", via="TLS a"))
    flow = (await site.users["a0"].requests.get()).request.flow
    away = other.driver.flows.fromRecord(flow.record())
    assert away.identities == flow.identities == {"carrier.example"}
    assert holder.driver.flows.fromRecord(flow.record()) is flow


@ensureDeferred
async def test_alias(site: Site, authority: CertificateAuthority, pair: tuple[str, str]) -> None:
    """A connection whose peer asks for it carries requests to the domains that the peer has proven
    to be, and to no others (RFC 5923 §8.1)."""
    own = issued(authority, "sip:carrier.example", "sip:other.example", file="carrier")
    listening = site.tcpServer(ServerTLS([pair]))
    tls = site.bind("TLS")
    worker = site.worker("w1", [0], tls=ServerTLS([pair], str(authority.file), "required"))
    asking = await site.tcpPeer(tls, clientContext(authority, NAME, own))
    asking.send(request("OPTIONS", via=f"TLS 127.0.0.1:{listening.port}", params=";alias"))
    assert (await asking.message()).status == 200
    for name in ("carrier.example", "other.example", "third.example"):
        site.names.known[name] = [Address("TLS", LOOPBACK, listening.port, name)]
        worker.sender.request(made("OPTIONS"), hop(f"sips:bob@{name}"), Outcome())
    assert {(await asking.message()).method for _ in range(2)} == {"OPTIONS"}
    assert (await (await listening.connection()).message()).method == "OPTIONS"
    assert not asking.received.items


@ensureDeferred
async def test_silentHandshake(site: Site, pair: tuple[str, str], log: list[LogEvent]) -> None:
    """Who connects to a TLS endpoint and says nothing does not stay."""
    tls = site.bind("TLS")
    limits = StreamLimits(messageTimeout=0.05)
    site.worker("w1", [0], tls=ServerTLS([pair]), served=limits)
    silent = await site.tcpPeer(tls)
    await silent.lost
    assert "messageTimeout" in limitLines(log)[0]


@pytest.mark.parametrize("shaken", [False, True])
@ensureDeferred
async def test_nothingIsLeftToTheCollector(
    site: Site, authority: CertificateAuthority, pair: tuple[str, str], shaken: bool
) -> None:
    """What OpenSSL has of a connection goes with it, handshake or not: much memory, few objects."""
    tls = site.bind("TLS")
    limits = StreamLimits(messageTimeout=0.05, idleTimeout=0.05)
    streams = site.worker("w1", [0], tls=ServerTLS([pair]), served=limits).driver.streams
    gc.collect()
    gc.disable()
    try:
        phone = await site.tcpPeer(tls, clientContext(authority) if shaken else None)
        await until(lambda: streams.connections)
        transport: Any = streams.connections[0].transport
        end = weakref.ref(transport._tlsConnection)
        del transport
        await phone.lost
        await until(lambda: end() is None)
    finally:
        gc.enable()


@ensureDeferred
async def test_connectionLimit(site: Site, pair: tuple[str, str]) -> None:
    """Limits count TLS connections before their handshake."""
    tls = site.bind("TLS")
    limits = StreamLimits(connections=1)
    site.worker("w1", [0], tls=ServerTLS([pair]), served=limits)
    await site.tcpPeer(tls)
    refused = await site.tcpPeer(tls)
    await refused.lost


@ensureDeferred
async def test_notTLS(site: Site, pair: tuple[str, str], log: list[LogEvent]) -> None:
    """Something else than TLS is closed, counted, and told once."""
    tls = site.bind("TLS")
    worker = site.worker("w1", [0], tls=ServerTLS([pair]))
    for _ in range(3):
        phone = await site.tcpPeer(tls)
        phone.send(b"GET / HTTP/1.1\r\n\r\n")
        await phone.lost
    streams = worker.driver.streams
    await until(lambda: streams.limitLog.counts.get("handshake") == 3)
    assert len(limitLines(log)) == 1


def _old(version: int, ciphers: bytes) -> CertificateOptions:
    """A client that speaks nothing newer."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(ciphers)
    context.set_max_proto_version(version)
    options = CertificateOptions()
    options._context = context
    return options


@ensureDeferred
async def test_oldVersion(site: Site, pair: tuple[str, str]) -> None:
    """TLS 1.1 is not spoken."""
    tls = site.bind("TLS")
    site.worker("w1", [0], tls=ServerTLS([pair]))
    phone = await site.tcpPeer(tls, _old(SSL.TLS1_1_VERSION, b"ALL:@SECLEVEL=0"))
    await phone.lost


@pytest.mark.parametrize("ciphers", ["ECDHE+AESGCM:ECDHE+CHACHA20", "ECDHE+AES"])
@ensureDeferred
async def test_ciphers(site: Site, pair: tuple[str, str], ciphers: str) -> None:
    """What has no authenticated encryption is spoken by who wants it."""
    tls = site.bind("TLS")
    site.worker("w1", [0], tls=ServerTLS([pair], ciphers=ciphers))
    phone = await site.tcpPeer(tls, _old(SSL.TLS1_2_VERSION, b"ECDHE-ECDSA-AES128-SHA"))
    phone.send(request("OPTIONS", via="TLS a"))
    if ciphers == "ECDHE+AES":
        assert (await phone.message()).status == 200
    else:
        await phone.lost


def test_badFiles(tmp_path: Path, authority: CertificateAuthority, pair: tuple[str, str]) -> None:
    """What is wrong with a certificate or key is said with the name of its file."""
    other = issued(authority, "other.example.test")[1]
    junk, empty = tmp_path / "junk.pem", tmp_path / "empty.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    empty.write_text("")
    good, key = pair
    for files in ((junk, key), (empty, key), (tmp_path / "missing", key), (good, junk)):
        with pytest.raises(TLSError) as caught:
            ServerTLS([(str(files[0]), str(files[1]))])
        assert any(str(file) in str(caught.value) for file in files)
    with pytest.raises(TLSError, match=f"{other}: not the key of {good}"):
        ServerTLS([(good, other)])
    with pytest.raises(TLSError, match=str(junk)):
        ServerTLS([pair], str(junk), "required")
    with pytest.raises(TLSError, match=str(junk)):
        ServerTLS([pair, (str(junk), key)])
    for arguments in ((str(junk),), (None, True, good, str(junk))):
        with pytest.raises(TLSError, match=str(junk)):
            ClientTLS(*arguments)


def test_encryptedKey(tmp_path: Path, pair: tuple[str, str]) -> None:
    """Nobody is there to be asked for the password."""
    path = tmp_path / "key.pem"
    path.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    with pytest.raises(TLSError, match=f"{path}: not a key that can be used"):
        ServerTLS([(pair[0], str(path))])


def test_weakKey(tmp_path: Path) -> None:
    """What OpenSSL does not like is said when it is read, not when a peer comes."""
    path = selfSigned(tmp_path, rsa.generate_private_key(65537, 1024))
    with pytest.raises(TLSError, match=f"{path}: ee key too small"):
        ServerTLS([(path, path)])


def test_whatIsNoAnswer(authority: CertificateAuthority) -> None:
    """A server whose certificate cannot be read is not the one that was meant."""

    class Peer:
        def getPeerCertificate(self) -> Peer:
            return self

        def to_cryptography(self) -> None:
            raise ValueError("nonsense")

    certificate = peerCertificate(Peer())
    assert certificate is None
    with pytest.raises(WrongPeer, match="has no certificate that can be read"):
        ClientTLS(str(authority.file)).identify(certificate, NAME)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, None),
        (ConnectionLost(), None),
        (SSL.Error([("SSL routines", "", "wrong"), ("SSL routines", "", "bad")]), "wrong, bad"),
        (SSL.SysCallError(104, "ECONNRESET"), "OpenSSL does not say why"),
        (SSL.Error(), "OpenSSL does not say why"),
    ],
)
def test_reasons(error: Exception | None, said: str | None) -> None:
    assert handshakeFailure(None if error is None else Failure(error)) == said


def test_badCiphers(pair: tuple[str, str]) -> None:
    with pytest.raises(TLSError, match="NONSENSE: no ciphers that can be used"):
        ServerTLS([pair], ciphers="NONSENSE")


@ensureDeferred
async def test_clientShowsCertificate(
    site: Site, tmp_path: Path, authority: CertificateAuthority, pair: tuple[str, str]
) -> None:
    """A server that wants to know who we are is shown our certificate."""
    shown = selfSigned(tmp_path)
    server = site.tcpServer(ServerTLS([pair], shown, "required"))
    for verify in (True, False):
        own = ClientTLS(str(authority.file), verify, shown)
        worker = site.worker(f"w{verify}".lower(), [], clientTLS=own)
        uri = f"sips:bob@127.0.0.1:{server.port}"
        worker.sender.request(made("OPTIONS", uri), hop(uri), Outcome())
        peer = await server.connection()
        await peer.message()


def selfSigned(
    directory: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None
) -> str:
    """A certificate that vouches for itself, and its key, in one file."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "client.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(path)
