"""The XCAP server (RFC 4825) over HTTP."""

from sipapp.resources.xcap.maker import xcapMaker
from sipapp.resources.xcap.settings import XCAPSettings

__all__ = ["XCAPSettings", "xcapMaker"]
