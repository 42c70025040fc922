"""The built-in resources, declared as any third party would declare theirs."""

from sipapp.resources.calls import callsFileMaker, callsSQLiteMaker
from sipapp.resources.sip.authenticate import authenticateMaker
from sipapp.resources.sip.options import optionsMaker
from sipapp.resources.sip.proxy import proxyMaker
from sipapp.resources.sip.registrar import registrarMaker
from sipapp.resources.sip.replicate import replicateMaker
from sipapp.resources.web import healthMaker
from sipapp.resources.xcap import xcapMaker

__all__ = [
    "authenticateMaker",
    "callsFileMaker",
    "callsSQLiteMaker",
    "healthMaker",
    "optionsMaker",
    "proxyMaker",
    "registrarMaker",
    "replicateMaker",
    "xcapMaker",
]
