"""The server of both lines: pools for SIP, and one for XCAP."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.hostile.attacks import Target
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.digest import Digest
from tests.support.httpclient import HTTPClient
from tests.support.server import Server
from tests.support.siptext import Address
from tests.support.users import addUsers

USER = "alice"
PASSWORD = "secret"
TYPE = "application/resource-lists+xml"
ELEMENT = "application/xcap-el+xml"
DOCUMENT = f"/xcap-root/resource-lists/users/sip:{USER}@{DOMAIN}/index"


def lists(content: str) -> bytes:
    """
    @return: a document.
    """
    namespace = "urn:ietf:params:xml:ns:resource-lists"
    return f'<resource-lists xmlns="{namespace}">{content}</resource-lists>'.encode()


def client(address: Address) -> HTTPClient:
    """
    @return: a client of the user whose document it is.
    """
    return HTTPClient(address, Digest(USER, PASSWORD), host=DOMAIN)


@dataclass(frozen=True)
class Stage:
    """A server that is configured, and has not been started yet.

    @ivar xcap: where documents are. @ivar sip: where SIP is spoken.
    """

    server: Server
    xcap: Address
    sip: Target
    authority: CertificateAuthority

    def workers(self, ofXCAP: bool) -> list[int]:
        """
        @return: the pids of the workers for XCAP, or of the others.
        """
        named = self.server.workers().items()
        return [pid for name, pid in named if name.startswith("http-") == ofXCAP]


def start(directory: Path, workers: int) -> Stage:
    """Start a server with one worker for UDP, and one for TCP and TLS.

    @param directory: an empty one, for everything that it writes.
    @param workers: those for XCAP.
    """
    authority = CertificateAuthority(directory)
    configuration = Configuration(directory, *authority.issue("localhost", "127.0.0.1"))
    configuration.tcpChildren = 1
    sip = Target(
        udp=configuration.listen("udp", workers=1).address,
        tcp=configuration.listen("tcp").address,
        tls=configuration.listen("tls").address,
    )
    xcap = configuration.listen("http", workers=workers, resources=["xcap"]).address
    addUsers(configuration, {USER: PASSWORD})
    stage = Stage(Server(configuration), xcap, sip, authority)
    try:
        stage.server.awaitReady()
    except BaseException:
        stage.server.end()
        raise
    return stage
