"""Digest authentication (RFC 7616, and RFC 2617 for old phones) as SIP uses it (RFC 3261 §22, RFC
8760): challenges, credentials, and the nonces that tie one to the other. Nothing here knows an
account, a clock or a store.
"""

from sipapp.sip.digest.algorithms import ALGORITHMS, HASHES, AlgorithmName, digestHA1, hashOf
from sipapp.sip.digest.answer import answerTo
from sipapp.sip.digest.challenge import Challenge, parseChallenge
from sipapp.sip.digest.credentials import Credentials, Identity, isDigest, parseCredentials
from sipapp.sip.digest.information import AuthenticationInfo, parseAuthenticationInfo
from sipapp.sip.digest.nonces import FORGED, FRESH, STALE, Nonces

__all__ = [
    "ALGORITHMS",
    "FORGED",
    "FRESH",
    "HASHES",
    "STALE",
    "AlgorithmName",
    "AuthenticationInfo",
    "Challenge",
    "Credentials",
    "Identity",
    "Nonces",
    "answerTo",
    "digestHA1",
    "hashOf",
    "isDigest",
    "parseAuthenticationInfo",
    "parseChallenge",
    "parseCredentials",
]
