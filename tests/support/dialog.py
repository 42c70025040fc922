"""Both ends of a call, as scripts: the caller's in-dialog requests and the callee's answers."""

from __future__ import annotations

from tests.support.sipclient import SIPSocket
from tests.support.siptext import (
    Headers,
    Received,
    newBranch,
    newToken,
    request,
    response,
    uriOf,
)

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


class Call:
    """The caller's side of a dialog (RFC 3261 §12.2.1)."""

    def __init__(
        self,
        client: SIPSocket,
        target: str,
        caller: str = "sip:caller@example.test",
        callID: str | None = None,
        headers: Headers = (),
    ) -> None:
        """
        @param target: the URI that is called.
        @param headers: put in front of those of every request.
        """
        self.client = client
        self.target = target
        self.callID = callID or newToken("call-")
        self.cseq = 1
        self.headers = list(headers)
        self._caller = f"<{caller}>;tag={newToken()}"
        self._callee = f"<{target}>"
        self._inviteBranch = newBranch()
        self._routes: list[str] = []

    def request(
        self, method: str, extra: Headers = (), cseq: int | None = None, branch: str | None = None
    ) -> bytes:
        routes = [("Route", route) for route in self._routes]
        return request(
            method,
            self.target,
            via=self.client.via(branch),
            fromValue=self._caller,
            toValue=self._callee,
            callID=self.callID,
            cseq=self.cseq if cseq is None else cseq,
            first=self.headers,
            extra=[*routes, *extra],
            body=SDP if method == "INVITE" else b"",
        )

    def invite(self) -> bytes:
        contact = ("Contact", f"<{self.client.contact('caller')}>")
        type_ = ("Content-Type", "application/sdp")
        return self.request("INVITE", [contact, type_], branch=self._inviteBranch)

    def cancel(self) -> bytes:
        """The CANCEL of the INVITE: its Request-URI, branch and CSeq number (§9.1)."""
        return self.request("CANCEL", branch=self._inviteBranch)

    def established(self, answer: Received) -> None:
        """Take over what a 2xx says about the dialog (§12.1.2)."""
        self.target = uriOf(answer.get("contact"))
        self._callee = answer.get("to")
        self._routes = answer.getAll("record-route")[::-1]

    def ack(self) -> bytes:
        """The ACK to a 2xx (§13.2.2.4)."""
        return self.request("ACK", cseq=1)

    def ackFailure(self, answer: Received) -> bytes:
        """The ACK to another final response: part of the INVITE's transaction (§17.1.1.3)."""
        self._callee = answer.get("to")
        return self.request("ACK", branch=self._inviteBranch)

    def next(self, method: str) -> bytes:
        """The next request in the dialog."""
        self.cseq += 1
        return self.request(method)

    def run(self, phone: Callee) -> None:
        """The whole call, one message after the other, each one waited for."""
        self.client.send(self.invite())
        phone.answer(phone.expect("INVITE", self.callID))
        self.awaitFinal("INVITE")
        self.client.send(self.ack())
        phone.expect("ACK", self.callID)
        self.client.send(self.next("BYE"))
        phone.reply(phone.expect("BYE", self.callID), 200, "OK")
        self.awaitFinal("BYE")

    def awaitFinal(self, method: str) -> Received:
        """Wait for the final response, which has to be a 200, to a request of this call."""
        while True:
            message = self.client.receive()
            if message.callID != self.callID or message.method != method or message.status < 200:
                continue
            assert message.status == 200, message.start
            if method == "INVITE":
                self.established(message)
            return message


class Callee:
    """The callee's side, for any number of calls."""

    def __init__(self, client: SIPSocket, user: str, headers: Headers = ()) -> None:
        """
        @param headers: put in front of those of every response.
        """
        self.client = client
        self.user = user
        self.headers = list(headers)
        self.tag = newToken()

    def reply(self, message: Received, status: int, reason: str, extra: Headers = ()) -> None:
        data = response(message, status, reason, toTag=self.tag, first=self.headers, extra=extra)
        self.client.answer(message, data)

    def answer(self, invite: Received) -> None:
        """Ring and lift the receiver, at once."""
        contact = ("Contact", f"<{self.client.contact(self.user)}>")
        self.reply(invite, 180, "Ringing", [contact])
        self.reply(invite, 200, "OK", [contact])

    def expect(self, method: str, callID: str) -> Received:
        """Wait for a request of a call; retransmissions of others pass by."""
        while True:
            message = self.client.receive()
            if not message.status and (message.method, message.callID) == (method, callID):
                return message
