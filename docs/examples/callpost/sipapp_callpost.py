"""Sends call records to a web server, as JSON."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.request import Request, urlopen

import msgspec
from msgspec import Meta
from zope.interface import implementer

from sipapp.interfaces import ICallRecords
from sipapp.resources import ResourceMaker, Settings
from sipapp.resources.calls import CallRecord


class CallPostSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.callpost]}."""

    url: Annotated[str, Meta(pattern="^https?://")]
    """Where they are sent to. An answer other than 2xx has them sent again."""


@implementer(ICallRecords)
class PostedCalls:
    """Posts a list of records. They may come twice: the answer to the first time was lost."""

    def __init__(self, settings: CallPostSettings, worker: Any) -> None:
        self._url = settings.url

    def start(self) -> None:
        pass

    def write(self, records: Sequence[CallRecord]) -> None:
        body = msgspec.json.encode(records)
        headers = {"Content-Type": "application/json"}
        # The settings see to it that it is HTTP.
        urlopen(Request(self._url, body, headers), timeout=10).close()  # noqa: S310

    def stop(self) -> None:
        pass


callPostMaker = ResourceMaker("callpost", "calls", CallPostSettings, PostedCalls)
