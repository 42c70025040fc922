"""C{connection.*}: the connections that are open."""

from __future__ import annotations

from ipaddress import ip_network

from msgspec.structs import replace

from sipapp.admin.methods.asking import Limit, Rows, checkWord, rowsOf
from sipapp.admin.methods.workforce import Workforce
from sipapp.rpc import Fault, InvalidParameters, NotFound, Unavailable, method

__all__ = ["ConnectionMethods"]


_TRANSPORTS = ("tcp", "tls", "http", "https")
_STATES = ("opening", "open", "ending")


class ConnectionMethods:
    """Asks the workers, each of which has connections of its own."""

    def __init__(self, workforce: Workforce) -> None:
        self._workforce = workforce

    @method(name="list")
    async def entries(
        self,
        transport: str | None = None,
        address: str | None = None,
        worker: str | None = None,
        state: str | None = None,
        limit: Limit = 100,
    ) -> Rows:
        """Show connections, for SIP and for HTTP.

        transport: tcp, tls, http or https. address: of the peer: an address or a network. worker:
        of one worker, such as tcp/1. state: opening, open or ending. limit: shows so many; matching
        tells how many there are, as far as the workers have answered.
        """
        checkWord("transport", transport, _TRANSPORTS)
        checkWord("state", state, _STATES)
        if address is not None:
            try:
                ip_network(address, strict=False)
            except ValueError:
                raise InvalidParameters(
                    f"address: {address!a} is neither an address nor a network"
                ) from None
        found = await rowsOf(
            self._workforce,
            "connections",
            worker,
            None,
            limit,
            transport=transport,
            address=address,
            state=state,
        )
        return replace(found, rows=found.rows[:limit])

    @method(role="operator", changes=True)
    async def close(self, connection: str, atOnce: bool = False) -> str:
        """Close a connection, and tell which worker it was of.

        connection: as connection.list names it. at_once: whether to drop what is still to be sent.

        The peer may connect again; ban.add keeps it away.
        """
        answers = await self._workforce.askAll(
            "closeConnection", connection=connection, atOnce=atOnce
        )
        for worker, answer in answers.items():
            if answer is True:
                return worker
        silent = [name for name, answer in answers.items() if isinstance(answer, Fault)]
        if silent:
            raise Unavailable(f"{', '.join(silent)} did not answer, and no other worker has it")
        raise NotFound(f"there is no connection {connection!a} that is open")
