"""Resources that handle SIP requests, with the chain that offers requests to them."""

from sipapp.resources.sip.dispatch import TAKEN, Dispatch
from sipapp.resources.sip.resource import SIPResource

__all__ = ["TAKEN", "Dispatch", "SIPResource"]
