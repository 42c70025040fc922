"""The XCAP server (RFC 4825) over HTTP."""

from sipapp.resources.xcap.resource import XCAP, xcapMaker
from sipapp.resources.xcap.settings import XCAPSettings

__all__ = ["XCAP", "XCAPSettings", "xcapMaker"]
