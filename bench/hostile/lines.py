"""The lines of the table."""

from __future__ import annotations

from dataclasses import dataclass

from bench.hostile import attacks, flood, scan
from bench.hostile.attacks import BURST, DEAF, FIELDS, IDLE, LENGTH, SILENT, SLOW, Attack


@dataclass(frozen=True)
class Line:
    """An attack, and what the table says of it."""

    what: str
    attack: Attack


LINES = {
    "slow": Line(f"{SLOW} connections that send a head a byte at a time", attacks.slowSenders),
    "handshakes": Line(f"{SILENT} TLS handshakes that begin and stop", attacks.silentHandshakes),
    "idle": Line(f"{IDLE} connections on which nothing is said", attacks.idleConnections),
    "deaf": Line(f"{DEAF} connections that ask and read no answer", attacks.deafSenders),
    "burst": Line(f"{BURST:,} requests at once over UDP, every 10 s", attacks.burst),
    "many": Line(f"{BURST:,} at once from 300 addresses, every 10 s", attacks.burstOfMany),
    "fields": Line(
        f"messages with {FIELDS:,} header fields, one after another", attacks.manyFields
    ),
    "long": Line(
        f"messages with a header field of {LENGTH // 1024} KiB, one after another",
        attacks.longFields,
    ),
    "flood": Line(f"{flood.RATE:,} changed messages of RFC 4475 in a second", flood.flood),
    "scan": Line("SIPVicious: servers, users, passwords, over and over", scan.scan),
}
