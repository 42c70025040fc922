"""Header lines in the shape that nearly all have.

A line that matches its pattern here is known to be well-formed without a value being made of it.
One that does not may still be: its parser decides, and finds the words for what is wrong.
"""

from __future__ import annotations

import re

from sipapp.sip.grammar import TOKEN
from sipapp.sip.host import PLAIN_HOST, PLAIN_PORT

__all__ = ["plainAddress", "plainCSeq", "plainCallID"]

_WORDS = r"[A-Za-z0-9\-.!%*_+`'~\x80-\U0010ffff \t]*+"
_QUOTED = r'"[^"\\\x00-\x1f\x7f]*+" ?'
_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]++"

plainAddress = re.compile(
    rf"(?:From|To|f|t): (?:{_WORDS}|{_QUOTED})"
    rf"<sips?:(?:{_USER}@)?{PLAIN_HOST}(?::{PLAIN_PORT})?>(?:;tag={TOKEN})?\Z"
).match
"""Matches a From or To: a SIP URI without parameters, in brackets, and at most a tag."""

plainCallID = re.compile(r"(?:Call-ID|i): ([^\x00-\x20\x7f]++)\Z").match
"""Matches a Call-ID; the group is its value."""

plainCSeq = re.compile(rf"CSeq: ([0-9]{{1,9}}) ({TOKEN})\Z").match
"""Matches a CSeq; the groups are number and method."""
