"""The process that keeps an XCAP worker busy: C{python -m bench.xcap.load HOST PORT}.

Each of its clients sends the next request when it has the answer to the last one. It is an
L{Opponent<bench.opponent.Opponent>}, which says in the end how many answers it has got.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import cycle

from bench.opponent import Opponent
from bench.xcap.stage import DOCUMENT, ELEMENT, PASSWORD, TYPE, USER, client, lists
from tests.support.configuration import DOMAIN
from tests.support.digest import Digest
from tests.support.httptext import Answer, Headers, request, takeAnswer
from tests.support.siptext import Address

#: Clients, each with a connection and a document of its own.
CLIENTS = 16
#: Entries of each document.
ENTRIES = 100
#: How much lower than that of the others the priority of the process is.
_NICE = 10

_ENTRY = '<entry uri="sip:user{}@example.com"><display-name>User {}</display-name></entry>'


class Load(Opponent):
    """Such a process, and this side of it."""

    def __init__(self, address: Address) -> None:
        host, port = address
        super().__init__("bench.xcap.load", host, str(port))


def _documentOf(number: int) -> str:
    return f"{DOCUMENT}-{number}"


def prepare(address: Address) -> None:
    """Make the documents."""
    entries = "".join(_ENTRY.format(number, number) for number in range(ENTRIES))
    with client(address) as connection:
        for number in range(CLIENTS):
            document = lists(f'<list name="friends">{entries}</list>')
            answer = connection.put(_documentOf(number), TYPE, document)
            assert answer.status in (200, 201), answer


class _Client:
    """One of its clients."""

    def __init__(self, address: Address, number: int) -> None:
        self.answers = 0
        self._address = address
        self._document = _documentOf(number)
        self._user = Digest(USER, PASSWORD)
        self._isChallenged = False

    async def ask(self) -> None:
        """Ask without end."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        list_ = f"{self._document}/~~/resource-lists/list"
        for number in cycle(range(ENTRIES)):
            entry = f"{list_}/entry%5b@uri=%22sip:user{number}@example.com%22%5d"
            name = f"User {number} has answered {self.answers} times"
            body = f"<display-name>{name}</display-name>".encode()
            await self._exchange("GET", entry)
            await self._exchange("PUT", f"{entry}/display-name", [("Content-Type", ELEMENT)], body)
            await self._exchange("GET", self._document)

    async def _exchange(
        self, method: str, target: str, headers: Headers = (), body: bytes | None = None
    ) -> None:
        answer = await self._once(method, target, headers, body)
        if answer.status == 401:
            # At first, and when the nonce has ended.
            self._user.challenged(answer)
            self._isChallenged = True
            answer = await self._once(method, target, headers, body)
        if answer.status != 200:
            raise RuntimeError(f"{method} {target}: {answer}")
        self.answers += 1

    async def _once(self, method: str, target: str, headers: Headers, body: bytes | None) -> Answer:
        if self._isChallenged:
            headers = [*headers, self._user.proof(method, target, body or b"")]
        self._writer.write(request(method, target, DOMAIN, headers, body))
        received = b""
        while (taken := takeAnswer(received, method)) is None:
            data = await self._reader.read(65_536)
            if not data:
                raise RuntimeError("the server has closed a connection")
            received += data
        return taken[0]


async def _load(address: Address) -> int:
    clients = [_Client(address, number) for number in range(CLIENTS)]
    asking = [asyncio.ensure_future(each.ask()) for each in clients]
    stopped = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    print("begun", flush=True)
    await asyncio.wait((*asking, stopped), return_when=asyncio.FIRST_COMPLETED)
    for each in asking:
        if each.done():
            each.result()
    # What is still open ends with the process.
    return sum(each.answers for each in clients)


def main(arguments: list[str]) -> None:
    host, port = arguments
    # It stands for clients elsewhere, which take no processor of the server.
    os.nice(_NICE)
    print(asyncio.run(_load((host, int(port)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
