"""Two real servers with the same domain copy each other's registrations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration, Endpoint
from tests.support.deadlines import waitFor
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.siptext import newToken


@dataclass
class Twin:
    """One of two servers."""

    configuration: Configuration
    public: Endpoint
    replication: Endpoint
    server: Server | None = None

    def bindings(self, user: str) -> list[str]:
        """What this server has for a user."""
        with UDPSocket(self.public.address) as phone:
            answer = phone.register(user, contact="")
        assert answer.status == 200
        return answer.getAll("contact")


def _configured(configuration: Configuration) -> Twin:
    public = configuration.listen(
        "udp", workers=2, resources=["options", "replicate", "registrar", "proxy"]
    )
    replication = configuration.listen("udp", workers=1, resources=["replicate", "registrar"])
    return Twin(configuration, public, replication)


@pytest.fixture(scope="module")
def twins(
    tmp_path_factory: pytest.TempPathFactory,
    serverCertificate: tuple[Path, Path],
    startSharedServer: ServerStarter,
) -> Iterator[tuple[Twin, Twin]]:
    one, other = (
        _configured(Configuration(tmp_path_factory.mktemp("twin"), *serverCertificate))
        for _ in range(2)
    )
    for twin, peer in ((one, other), (other, one)):
        host, port = peer.replication.address
        twin.configuration.table(
            "resource.replicate",
            socket=f"udp:{twin.replication.host}:{twin.replication.port}",
            peers=[f"sip:{host}:{port}"],
        )
        twin.server = startSharedServer(twin.configuration)
    yield one, other


@pytest.mark.parametrize("direction", [1, -1])
def test_a_registration_is_known_to_both(twins: tuple[Twin, Twin], direction: int) -> None:
    here, there = twins[::direction]
    user = newToken("user-")
    with UDPSocket(here.public.address) as phone:
        assert phone.register(user, callID=user).status == 200
        waitFor(lambda: there.bindings(user), "the binding at the peer", 10)
        assert phone.contact(user) in there.bindings(user)[0]
        assert phone.register(user, callID=user, cseq=2, expires=0).status == 200
    waitFor(lambda: not there.bindings(user), "the removal at the peer", 10)


def test_strangers_are_refused(twins: tuple[Twin, Twin]) -> None:
    here, there = twins
    user = newToken("user-")
    with UDPSocket(here.replication.address) as stranger:
        assert stranger.register(user).status == 403
    assert here.bindings(user) == []
    assert there.bindings(user) == []
