"""The built-in resources, declared as any third party would declare theirs."""

from sipapp.plugins import methodPlugins
from sipapp.resources.calls import callsFileMaker, callsSQLiteMaker
from sipapp.resources.sip.authenticate import authenticateMaker
from sipapp.resources.sip.options import optionsMaker
from sipapp.resources.sip.proxy import proxyMaker
from sipapp.resources.sip.registrar import registrarMaker
from sipapp.resources.sip.replicate import replicateMaker
from sipapp.resources.web import healthMaker, metricsMaker, readyMaker, statusMaker
from sipapp.resources.xcap import xcapMaker
from sipapp.resources.xmlrpc import makeXMLRPCMaker

__all__ = [
    "authenticateMaker",
    "callsFileMaker",
    "callsSQLiteMaker",
    "healthMaker",
    "metricsMaker",
    "optionsMaker",
    "proxyMaker",
    "readyMaker",
    "registrarMaker",
    "replicateMaker",
    "statusMaker",
    "xcapMaker",
    "xmlrpcMaker",
]

xmlrpcMaker = makeXMLRPCMaker(methodPlugins)
