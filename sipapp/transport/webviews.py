"""The connections of a worker of HTTP endpoints, as people see them, and how they close one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sipapp.transport.connectionviews import ConnectionView, connectionsWith
from sipapp.transport.listing import Asked, Found, find, place
from sipapp.transport.web import LimitedSite
from sipapp.transport.webchannel import LimitedChannel

__all__ = ["answerAboutWebConnections"]


def answerAboutWebConnections(
    answers: Asked, reactor: Any, sites: Mapping[str, LimitedSite], code: str
) -> None:
    """Have such a worker answer C{connections} and C{closeConnection}, as one of SIP does.

    @param sites: by the names of their listeners.
    @param code: the worker's, to tell its connections from those of others.
    """

    def identifier(channel: LimitedChannel) -> str:
        return f"{code}.http.{channel.number:x}"

    def present() -> list[tuple[str, LimitedChannel]]:
        return [(name, channel) for name, site in sites.items() for channel in site.channels]

    def view(each: tuple[str, LimitedChannel]) -> ConnectionView:
        listener, channel = each
        return ConnectionView(
            connection=identifier(channel),
            transport=_transportOf(listener),
            peer=place(channel.host, channel.port),
            listener=listener,
            outgoing=False,
            state="ending" if channel.refused else "open",
            idle=None,
            owed=len(channel.requests),
        )

    async def connections(limit: int, **wanted: str | None) -> Found[ConnectionView]:
        isWanted = connectionsWith(**wanted)
        return await find(
            reactor,
            present(),
            lambda each: isWanted(
                _transportOf(each[0]), each[1].host, "ending" if each[1].refused else "open"
            ),
            view,
            limit,
        )

    def closeConnection(connection: str, atOnce: bool) -> bool:
        for _, channel in present():
            if identifier(channel) == connection and not channel.refused:
                # Nobody knows for how long an answer that is under way will be.
                (channel.abort if atOnce or channel.requests else channel.leave)()
                return True
        return False

    answers.add("connections", connections)
    answers.add("closeConnection", closeConnection)


def _transportOf(listener: str) -> str:
    return listener.partition(":")[0].upper()
