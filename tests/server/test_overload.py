"""Ten times as many calls as a worker may have: those that it has go on, and it survives."""

from __future__ import annotations

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.sipclient import UDPSocket
from tests.support.siptext import Received

TRANSACTIONS = 100
CALLS = 10 * TRANSACTIONS
USER = "callee"
HOME = "sip:callee@example.test"


def memory(pid: int) -> int:
    """The resident memory of a process, in bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_calls(configuration: Configuration, startServer: ServerStarter) -> None:
    configuration.listen("udp", workers=1)
    configuration.table("overload", transactions=TRANSACTIONS)
    server = startServer(configuration)
    address = server.endpoint("udp").address
    (worker,) = server.workers().values()
    with UDPSocket(address) as phone, UDPSocket(address) as caller, UDPSocket(address) as flood:
        assert phone.register(USER).status == 200
        callee = Callee(phone, USER)
        call = Call(caller, HOME)
        caller.send(call.invite())
        callee.answer(callee.expect("INVITE", call.callID))
        call.awaitFinal("INVITE")
        caller.send(call.ack())
        callee.expect("ACK", call.callID)

        # Nobody answers these.
        refused = 0

        def isRefused(message: Received) -> bool:
            return message.status == 503 and 5 <= int(message.get("retry-after")) <= 10

        def overload() -> bool:
            flood.send(Call(flood, HOME).invite())
            return isRefused(flood.receive())

        waitFor(overload, "the worker refuses")
        before = memory(worker)
        for _ in range(CALLS):
            flood.send(Call(flood, HOME).invite())
            while not isRefused(flood.receive()):
                pass
            refused += 1
        assert refused == CALLS
        assert memory(worker) - before < 5 << 20

        # A new call waits; the one before the flood ends as it should.
        newcomer = Call(caller, HOME)
        caller.send(newcomer.invite())
        while (answer := caller.receive()).callID != newcomer.callID or answer.status < 200:
            pass
        assert isRefused(answer)
        caller.send(call.next("BYE"))
        callee.reply(callee.expect("BYE", call.callID), 200, "OK")
        call.awaitFinal("BYE")
        assert server.workers() == {"udp-0/0": worker}
        server.lineWith("Falls behind: transactions")
