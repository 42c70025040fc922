"""Makes C{twistd sipapp} known to twistd."""

from twisted.application.service import ServiceMaker

sipapp = ServiceMaker(
    "sipapp",
    "sipapp.tap",
    "A SIP application server: a pool of processes for each listen endpoint.",
    "sipapp",
)
