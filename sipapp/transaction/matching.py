"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3, §9.2).

A request whose topmost Via has a branch that begins with the magic cookie belongs to the server
transaction with the same branch, the same sent-by in that Via, and the same method, where an ACK
counts as INVITE. The sent-by matters, because two clients may by accident or malice choose the
same branch.

A branch without the cookie comes from an RFC 2543 client and identifies nothing, and so does one
that consists of the cookie alone (RFC 4475 §3.3.1 has such a message). Then the Request-URI, From
tag, Call-ID, CSeq number, topmost Via and To tag have to be the same. The To tag of an ACK is that
of the response instead, so an ACK is found by the other fields, and the To tag is compared
afterwards. Of the Via only transport, sent-by and branch are compared: C{received} and C{rport}
may be those that we have put there.

A response belongs to the client transaction with the branch of its topmost Via and the method of
its CSeq; the method keeps the response to a CANCEL apart from the one to its INVITE.

All functions raise C{sipapp.sip.SIPError} if a header field that they need is malformed.
"""

from __future__ import annotations

from hashlib import blake2b

from sipapp.sip import Request, Response

MAGIC_COOKIE = "z9hG4bK"

ServerKey = str


def hasCookie(branch: str | None) -> bool:
    """Tell whether a branch identifies a transaction (RFC 3261 §8.1.1.7)."""
    return branch is not None and len(branch) > 7 and branch[:7] == MAGIC_COOKIE


def serverKey(request: Request, method: str) -> ServerKey:
    """
    @param method: the method to match: the request's own, or C{'INVITE'} for the one that a
        CANCEL is about.
    @return: what two requests of one server transaction have in common. Not for ACK.
    """
    via = request.via
    branch = via.branch
    if hasCookie(branch):
        host, port = via.sentBy
        return f"{method} {branch} {host} {port}"
    return f"{looseKey(request, method)}\n{request.to.tag}"


def looseKey(request: Request, method: str) -> ServerKey:
    """
    @return: what two requests of an RFC 2543 client that belong to one server transaction have
        in common, apart from the To tag.
    """
    via = request.via
    host, port = via.sentBy
    return (
        f"{method} {via.branch} {host} {port} {via.transport} {request.cseq.number}\n"
        f"{request.requestURI}\n{request.callID}\n{request.fromHeader.tag}"
    )


def keyDigest(key: ServerKey) -> bytes:
    """
    @return: a short name for a L{serverKey}, the same in every process.
    """
    return blake2b(key.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def requestDigests(request: Request) -> list[bytes]:
    """
    @return: the L{keyDigest} of every server transaction that a request may be about: its own,
        and that of the INVITE which a CANCEL or ACK belongs to.
    """
    method = request.method
    if method == "ACK":
        loose = not hasCookie(request.via.branch)
        key = looseKey(request, "INVITE") if loose else serverKey(request, "INVITE")
        return [keyDigest(key)]
    digests = [keyDigest(serverKey(request, method))]
    if method == "CANCEL":
        digests.append(keyDigest(serverKey(request, "INVITE")))
    return digests


def clientKey(branch: str, method: str) -> str:
    """
    @param branch: the branch that we put in the Via.
    @param method: the method of the request, or of the CSeq of a response.
    @return: what a request and its responses have in common.
    """
    return f"{method} {branch}"


def responseKey(response: Response) -> str | None:
    """
    @return: the L{clientKey} of a response, or C{None} if its topmost Via has no branch.
    """
    branch = response.via.branch
    return None if branch is None else f"{response.cseq.method} {branch}"
