"""Calls spread and stay with their worker whatever the kernel can do for it: the workers hand each
other what it has given to the wrong one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.callflood import CallFlood
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.siptext import Headers, newToken, workerCode

from .test_spread import LONG_HEAD, assertInOrder, workersOf

OLDER_KERNEL = Path(__file__).with_name("olderkernel")
SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF = 51, 52
#: What a kernel may lack. (That of the tests may lack the second for who is not root.)
KERNELS = {
    "this kernel": (),
    "no looping program": (SO_ATTACH_REUSEPORT_EBPF,),
    "no program": (SO_ATTACH_REUSEPORT_EBPF, SO_ATTACH_REUSEPORT_CBPF),
}
WORKERS = 3
CALLS = 150


@pytest.fixture(scope="module", params=KERNELS)
def server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    serverCertificate: tuple[Path, Path],
    startSharedServer: ServerStarter,
) -> Iterator[Server]:
    configuration = Configuration(tmp_path_factory.mktemp("server"), *serverCertificate)
    configuration.listen("udp", workers=WORKERS)
    configuration.table("sip", udp_mtu=65507)
    environment = {
        "PYTHONPATH": str(OLDER_KERNEL),
        "UNKNOWN_SOCKET_OPTIONS": " ".join(map(str, KERNELS[request.param])),
    }
    server = startSharedServer(configuration, environment=environment)
    assert ("does not steer" in server.output()) == (request.param == "no program")
    yield server
    server.stop()


@pytest.mark.parametrize("headers", [(), LONG_HEAD], ids=["Call-ID early", "Call-ID late"])
def test_callsSpreadAndStay(server: Server, headers: Headers) -> None:
    address = server.endpoint("udp").address
    with UDPSocket(address) as caller, UDPSocket(address) as callee:
        user = newToken("callee-")
        assert callee.register(user).status == 200
        flood = CallFlood(caller, callee, user, headers)
        callIDs = [newToken("steer-") for _ in range(CALLS)]
        flood.run(callIDs)
        assertInOrder(flood, callIDs)
    workers = workersOf(flood)
    assert all(len(codes) == 1 for codes in workers.values()), workers
    shares = Counter(code for codes in workers.values() for code in codes)
    assert len(shares) == WORKERS
    assert min(shares.values()) >= 0.5 * CALLS / WORKERS, shares


@pytest.mark.parametrize("headers", [(), LONG_HEAD], ids=["Call-ID early", "Call-ID late"])
def test_everySocketFindsTheWorkerOfACall(server: Server, headers: Headers) -> None:
    """Requests with one Call-ID from many sockets are answered by one worker."""
    callID = newToken("shared-")
    codes = set()
    for number in range(16):
        with UDPSocket(server.endpoint("udp").address) as client:
            answer = client.options(
                "sip:example.test", callID=callID, cseq=number + 1, first=headers
            )
            codes.add(workerCode(answer.toTag))
    assert len(codes) == 1
