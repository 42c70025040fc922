"""The XCAP server, declared as a plugin."""

from __future__ import annotations

from sipapp.resources.maker import ResourceMaker, imported
from sipapp.resources.xcap.settings import XCAPSettings

__all__ = ["xcapMaker"]

xcapMaker = ResourceMaker(
    "xcap", "web", XCAPSettings, imported("sipapp.resources.xcap.resource:XCAP")
)
