"""The proxy (RFC 3261 §16): forwards requests to the users of this server, and for them."""

from sipapp.resources.sip.proxy.resource import Proxy, proxyMaker
from sipapp.resources.sip.proxy.settings import ProxySettings

__all__ = ["Proxy", "ProxySettings", "proxyMaker"]
