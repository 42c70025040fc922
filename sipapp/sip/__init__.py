"""SIP messages without a network: parse, check, edit, write. Needs only the standard library."""

from sipapp.sip.about import about
from sipapp.sip.address import NameAddr, parseNameAddr, parseNameAddrList
from sipapp.sip.bounds import MessageBounds
from sipapp.sip.errors import MalformedHeader, MalformedMessage, MalformedURI, SIPError
from sipapp.sip.fields import HeaderLines
from sipapp.sip.framing import Frame, FramingError, KeepAlive, StreamFramer
from sipapp.sip.grammar import (
    escape,
    formatParams,
    isToken,
    parseParams,
    quote,
    splitCommas,
    unescape,
    unquote,
)
from sipapp.sip.headers import DISPLAY, CSeq, canonical, displayName, parseCSeq
from sipapp.sip.hop import Hop
from sipapp.sip.host import bracketed, normalHost
from sipapp.sip.message import Message
from sipapp.sip.parsing import parseMessage
from sipapp.sip.request import Request
from sipapp.sip.response import Response
from sipapp.sip.sipuri import SIPURI, escapeUser
from sipapp.sip.status import REASONS, reasonPhrase
from sipapp.sip.teluri import TelURI
from sipapp.sip.uri import URI, OtherURI, parseURI
from sipapp.sip.validation import unsupportedExtensions, validateRequest, validateResponse
from sipapp.sip.via import Via, parseVia

__all__ = [
    "DISPLAY",
    "REASONS",
    "SIPURI",
    "URI",
    "CSeq",
    "Frame",
    "FramingError",
    "HeaderLines",
    "Hop",
    "KeepAlive",
    "MalformedHeader",
    "MalformedMessage",
    "MalformedURI",
    "Message",
    "MessageBounds",
    "NameAddr",
    "OtherURI",
    "Request",
    "Response",
    "SIPError",
    "StreamFramer",
    "TelURI",
    "Via",
    "about",
    "bracketed",
    "canonical",
    "displayName",
    "escape",
    "escapeUser",
    "formatParams",
    "isToken",
    "normalHost",
    "parseCSeq",
    "parseMessage",
    "parseNameAddr",
    "parseNameAddrList",
    "parseParams",
    "parseURI",
    "parseVia",
    "quote",
    "reasonPhrase",
    "splitCommas",
    "unescape",
    "unquote",
    "unsupportedExtensions",
    "validateRequest",
    "validateResponse",
]
