"""Asks those who claim to be users of this server to prove it (RFC 3261 §22)."""

from sipapp.resources.sip.authenticate.resource import Authenticate, authenticateMaker
from sipapp.resources.sip.authenticate.settings import AuthenticateSettings

__all__ = ["Authenticate", "AuthenticateSettings", "authenticateMaker"]
