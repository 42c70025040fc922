"""An independent client of digest authentication: one that knows all algorithms, and shares no code
with the server. Who else is asked stands in C{test_authentication}."""

from __future__ import annotations

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.digest import HASHES, Digest, challenges
from tests.support.server import Server
from tests.support.sipclient import SIPSocket, UDPSocket
from tests.support.siptext import Headers, Received, workerCode
from tests.support.users import addUsers

WORKERS = 4


def password(user: str) -> str:
    return f"secret of {user}"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    chain = ["authenticate", "options", "registrar", "proxy"]
    sharedConfiguration.listen("udp", workers=WORKERS, resources=chain)
    sharedConfiguration.table(
        "resource.authenticate", algorithms=list(HASHES), qop=["auth", "auth-int"]
    )
    addUsers(sharedConfiguration, {"u1": password("u1")})
    return startSharedServer(sharedConfiguration)


class Asked:
    """A client that is asked for the password of its user."""

    def __init__(self, client: SIPSocket, user: str, algorithm: str) -> None:
        self.client = client
        self.user = user
        self.aor = f"sip:{user}@{DOMAIN}"
        self.digest = Digest(user, password(user), [algorithm])

    def ask(self, method: str, uri: str, *, body: bytes = b"", extra: Headers = ()) -> Received:
        """Send a request, and once more with the proof if it is asked for."""

        def send(*proof: tuple[str, str]) -> Received:
            to = self.aor if method == "REGISTER" else uri
            return self.client.ask(
                method, uri, fromURI=self.aor, toURI=to, extra=[*extra, *proof], body=body
            )

        answer = send()
        if answer.status in (401, 407):
            self.digest.challenged(answer)
            answer = send(self.digest.proof(method, uri, body))
        return answer

    def register(self) -> Received:
        extra = [("Contact", f"<{self.client.contact(self.user)}>"), ("Expires", "600")]
        return self.ask("REGISTER", f"sip:{DOMAIN}", extra=extra)


@pytest.mark.parametrize("algorithm", HASHES)
def test_everyAlgorithm(server: Server, algorithm: str) -> None:
    """Asked by the server itself (401), and by it as a proxy (407), where the body counts too."""
    with UDPSocket(server.endpoint("udp").address) as client:
        user = Asked(client, "u1", algorithm)
        assert user.register().status == 200
        target = f"sip:nobody@{DOMAIN}"
        # Let through, and there is nobody.
        assert user.ask("MESSAGE", target, body=b"Hello").status == 480
        proof = user.digest.proof("MESSAGE", target, b"Other")
        answer = client.ask("MESSAGE", target, fromURI=user.aor, extra=[proof], body=b"Hello")
        assert answer.status == 407


def test_strongestFirst(server: Server) -> None:
    with UDPSocket(server.endpoint("udp").address) as client:
        answer = client.register("u1")
        assert answer.status == 401
        assert [each["algorithm"] for each in challenges(answer)] == list(HASHES)


@pytest.mark.parametrize("algorithm", HASHES)
def test_wrongPassword(server: Server, algorithm: str) -> None:
    with UDPSocket(server.endpoint("udp").address) as client:
        user = Asked(client, "u1", algorithm)
        user.digest = Digest("u1", "guess", [algorithm])
        assert user.register().status == 401


def test_challengeServesManyRequests(server: Server) -> None:
    """One nonce for requests with different Call-IDs, which come to all workers; none of them takes
    a count for the second time."""
    used = []
    with UDPSocket(server.endpoint("udp").address) as client:
        user = Asked(client, "u1", "SHA-256")
        user.digest.challenged(client.register("u1"))
        registrar = f"sip:{DOMAIN}"

        def show(proof: tuple[str, str]) -> Received:
            extra = [proof]
            return client.ask("REGISTER", registrar, fromURI=user.aor, toURI=user.aor, extra=extra)

        workers = set()
        for _ in range(60):
            used.append(user.digest.proof("REGISTER", registrar))
            answer = show(used[-1])
            assert answer.status == 200
            workers.add(workerCode(answer.toTag))
        assert len(workers) == WORKERS
        for proof in used[::6]:
            answer = show(proof)
            assert answer.status == 401
            assert challenges(answer)[0]["stale"].lower() == "true"
