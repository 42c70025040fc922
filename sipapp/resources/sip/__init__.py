"""Resources that handle SIP requests, with the chain that offers requests to them."""

from sipapp.resources.sip.dispatch import TAKEN, Dispatch

__all__ = ["TAKEN", "Dispatch"]
