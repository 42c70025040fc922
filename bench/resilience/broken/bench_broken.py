"""A resource that cannot start, for the line about bad reloads."""

from typing import Any

from sipapp.resources import ResourceMaker, Settings
from sipapp.resources.sip import SIPResource


class Broken(SIPResource):
    def __init__(self, settings: Settings, worker: Any) -> None:
        pass

    def start(self) -> None:
        raise RuntimeError("this resource never starts")


brokenMaker = ResourceMaker("broken", "sip", Settings, Broken)
