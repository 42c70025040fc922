"""The identifiers that a worker mints: Via branches, To tags, dialog tokens and flow tokens.

Each names the worker it comes from or is understood by all workers, and none can be made up or
changed by a peer where it would gain by that. Workers share nothing but a secret; so every
identifier is computed from the message that it is for and verified from the message that comes
back. A worker that takes the place of a dead one mints what the dead one would have minted, and
messages that are sent again go where they went before (RFC 3261 §16.11).

A branch of a forwarded request is C{z9hG4bK<code>.<loop>.<target>.<mac>}:

 - C{code} is the worker's short name, so that any worker can tell whose response it has got;
 - C{loop} is what loop detection looks for (RFC 5393 §4.2): a hash of what routing depends on;
 - C{target} makes the forks of one request distinct;
 - C{mac} covers all that, with what identifies the transaction of the request that came in: the
   branch and sent-by of its topmost Via, Call-ID and CSeq number. In the response those are in the
   second Via, Call-ID and CSeq, so that a response proves by itself that it answers a request
   which we have forwarded. The method is not covered, because ACK and CANCEL have to get the
   branch of their INVITE, and for an RFC 2543 client, whose Via identifies nothing, the From tag
   is covered as well. RFC 3261 §16.11 has the To tag there too; it is left out, because the ACK
   to a final response other than 2xx has another one than its INVITE.

The loop hash covers Request-URI, Route, Call-ID and CSeq number. RFC 3261 §16.6 suggests
Proxy-Require and the tags besides; they are left out since CANCEL or ACK need not have them as
the INVITE had, and the topmost Via is left out since it differs each time round (RFC 5393 §4.2).

All hashes are keyed BLAKE2b, with a personalisation for each purpose. Hashed texts are joined by
CRLF, which no text of a message holds once its lines are split and unfolded, so that none can be
shifted into another. Text is encoded with C{surrogateescape}: any message can be hashed.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest

from sipapp.sip import Message, Request, Response, SIPError, Via
from sipapp.transaction.matching import MAGIC_COOKIE, hasCookie

_CODE = re.compile(r"[a-z0-9]+")

# Sizes in hexadecimal digits.
_LOOP = 12
_TARGET = 12
_MAC = 16
_TAG = 16
_DIALOG = 20
_FLOW = 20
_DERIVED = 64


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _same(one: str, other: str) -> bool:
    """Compare in constant time."""
    return compare_digest(_encode(one), _encode(other))


class Identifiers:
    """Mints and verifies the identifiers of one worker.

    @ivar code: the worker's short name.
    """

    __slots__ = (
        "_derived",
        "_dialog",
        "_flow",
        "_loop",
        "_mac",
        "_prefix",
        "_tag",
        "_target",
        "code",
    )

    def __init__(self, secret: bytes, code: str) -> None:
        """
        @param secret: the same for all workers, and known to nobody else; 32 random bytes do.
        @param code: the worker's short name: lower-case letters and digits.
        """
        if not secret:
            raise ValueError("the secret is empty")
        if _CODE.fullmatch(code) is None:
            raise ValueError(f"the code {code!r} is not made of lower-case letters and digits")
        self.code = code
        self._prefix = f"{MAGIC_COOKIE}{code}."
        key = blake2b(secret, digest_size=32).digest()

        def keyed(purpose: bytes, digits: int) -> blake2b:
            return blake2b(key=key, person=purpose, digest_size=digits // 2)

        self._loop = keyed(b"loop", _LOOP)
        self._target = keyed(b"target", _TARGET)
        self._mac = keyed(b"branch", _MAC)
        self._tag = keyed(b"tag", _TAG)
        self._dialog = keyed(b"dialog", _DIALOG)
        self._flow = keyed(b"flow", _FLOW)
        self._derived = keyed(b"derived", _DERIVED)

    def derivedKey(self, label: str, salt: bytes = b"") -> bytes:
        """Make a key for another purpose: the same on all workers, and no way back to the secret.

        @param label: the purpose, unlike that of any other key.
        @param salt: what the key shall depend on besides.
        @return: 32 bytes.
        """
        hasher = self._derived.copy()
        hasher.update(_encode(label) + b"\0" + salt)
        return hasher.digest()

    # Branches.

    def branch(self, request: Request, targetText: str) -> str:
        """
        @param request: the request as it was received, before Request-URI or Route are touched:
            L{isLoop} sees it in that shape when it comes back.
        @param targetText: what tells this fork from the others: the target, and whatever
            else the caller tries in turn.
        @return: the branch to forward it with. A pure function of C{request}, C{targetText}, the
            secret and the code.
        @raise SIPError: if topmost Via, Call-ID, CSeq or, for an RFC 2543 client, From is
            malformed.
        """
        target = _digest(self._target, targetText)
        head = f"{self._prefix}{self.loopHash(request)}.{target}"
        return f"{head}.{self._branchMAC(head, request.via, request)}"

    def randomBranch(self) -> str:
        """
        @return: the branch for a request of our own, that nobody can guess.
        """
        return self._prefix + os.urandom(10).hex()

    def owner(self, branch: str | None) -> str | None:
        """
        @return: the code of the worker that has minted a branch, or C{None} if it cannot be one
            of ours. Nothing is verified: a peer can write any code.
        """
        if branch is None or branch[:7] != MAGIC_COOKIE:
            return None
        if branch.startswith(self._prefix):
            return self.code
        code, dot, _ = branch[7:].partition(".")
        return code if dot and _CODE.fullmatch(code) else None

    def isOurs(self, response: Response) -> bool:
        """Tell whether a response answers a request that a worker with our secret has forwarded.

        Only the response is needed, so this works after the worker that forwarded the
        request has died, and for requests that were forwarded statelessly (RFC 3261 §16.11).
        """
        try:
            ours, theirs = response.vias[:2]
            head, _, mac = (ours.branch or "").rpartition(".")
            # The sender puts a number behind it when it tries another address.
            mac = mac.partition("-")[0]
            return _same(mac, self._branchMAC(head, theirs, response))
        except (SIPError, ValueError):
            # A malformed header field, or no second Via: nothing that we forwarded.
            return False

    def _branchMAC(self, head: str, via: Via, message: Message) -> str:
        """
        @param via: the topmost Via of the request that came in.
        @param message: a message with the Call-ID, CSeq and From of that request.
        """
        branch = via.branch
        host, port = via.sentBy
        tag = "" if hasCookie(branch) else message.fromHeader.tag
        return _digest(
            self._mac,
            f"{head}\r\n{branch or ''}\r\n{host} {port}\r\n{message.callID}\r\n"
            f"{message.cseq.number}\r\n{tag or ''}",
        )

    # Loops.

    def loopHash(self, request: Request) -> str:
        """
        @return: a hash of all that the routing of a request as received depends on. It is the
            same when the request comes back unchanged, which makes a loop, and another
            when the Request-URI or the Route has changed, which makes a spiral.
        """
        text = f"{request.requestURI}\r\n{request.callID}\r\n{request.cseq.number}"
        if "route" in request.names:
            text = "\r\n".join((text, *request.getAll("route")))
        return _digest(self._loop, text)

    def isLoop(self, request: Request) -> bool:
        """Tell whether a request as received has been forwarded by us before, with the same
        Request-URI and Route (RFC 5393 §4.2): it deserves 482.

        The hash cannot be made up, so it is enough to find it; sent-by need not be looked at.
        """
        names, lines = request.names, request.lines
        if names.count("via") == 1 and "," not in lines[names.index("via")]:
            # Whoever forwarded it to us has put its own Via above ours.
            return False
        mark = f".{self.loopHash(request)}."
        return any(name == "via" and mark in line for name, line in zip(names, lines, strict=True))

    # Tags and tokens.

    def toTag(self, request: Request) -> str:
        """
        @return: the To tag for responses to a request: always the same for the same
            request, as a stateless UAS needs it (RFC 3261 §8.2.7), and another for each request.
        """
        via = request.via
        host, port = via.sentBy
        tag = _digest(
            self._tag,
            f"{via.branch or ''}\r\n{host} {port}\r\n{request.callID}\r\n"
            f"{request.cseq.number}\r\n{request.requestURI}",
        )
        return f"{self.code}.{tag}"

    def tagOwner(self, tag: str | None) -> str | None:
        """
        @return: the code of the worker that has minted a To tag, or C{None} if it cannot be one
            of ours. Nothing is verified.
        """
        if tag is None:
            return None
        code, dot, rest = tag.partition(".")
        return code if dot and len(rest) == _TAG and _CODE.fullmatch(code) else None

    def dialogToken(self, callID: str) -> str:
        """
        @return: proof, for the user part of a Record-Route URI, that we have seen the request
            that began the dialog with this Call-ID.
        """
        return _digest(self._dialog, callID)

    def verifyDialogToken(self, token: str, callID: str) -> bool:
        """Tell whether a token comes from L{dialogToken} for this Call-ID."""
        return _same(token, self.dialogToken(callID))

    def flowToken(self, payload: str) -> str:
        """
        @param payload: what tells any worker how to reach a flow. It can be read by
            everybody, and changed by nobody.
        @return: a token of letters, digits, C{-} and C{_} (RFC 5626 §5.2).
        """
        text = urlsafe_b64encode(_encode(payload)).rstrip(b"=").decode("ascii")
        return _digest(self._flow, text) + text

    def readFlowToken(self, token: str) -> str | None:
        """
        @return: the payload of a token that L{flowToken} has made, or C{None} for any other.
        """
        mac, text = token[:_FLOW], token[_FLOW:]
        if not _same(mac, _digest(self._flow, text)):
            return None
        return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "surrogateescape")


def _digest(keyed: blake2b, text: str) -> str:
    """
    @return: the hash of a text, in lower-case hexadecimal digits.
    """
    hasher = keyed.copy()
    hasher.update(text.encode("utf-8", "surrogateescape"))
    return hasher.hexdigest()
