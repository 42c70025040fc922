"""The XCAP server, declared as a plugin."""

from __future__ import annotations

from typing import Any

from sipapp.resources.maker import ResourceMaker
from sipapp.resources.xcap.settings import XCAPSettings

__all__ = ["xcapMaker"]


def _make(settings: XCAPSettings, worker: Any) -> Any:
    # Every worker knows all plugins, and few serve XCAP: the others start without what it is made
    # of, a sixth of what they import.
    from sipapp.resources.xcap.resource import XCAP

    return XCAP(settings, worker)


xcapMaker = ResourceMaker("xcap", "web", XCAPSettings, _make)
