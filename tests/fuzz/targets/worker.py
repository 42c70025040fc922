"""A worker with registrar and proxy: whatever arrives, nothing fails, what it sends are messages,
and not too many, and when their time has passed there is nothing left."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from sipapp.sip import Request, Response
from sipapp.sip.digest import answerTo, parseChallenge
from tests.fuzz.messages import messages
from tests.fuzz.mutation import Mutation
from tests.fuzz.target import Target, torture
from tests.fuzz.world import PASSWORD, USER, World

#: Stands between the messages of an input.
_THEN = b"\xff\xff"
#: What the phones say to what reaches them, by the first byte of the input.
_SAID = (0, 100, 180, 200, 202, 302, 404, 407, 486, 500, 503, 600)
#: Requests are answered by their phones so many times, in case these bring about others.
_ROUNDS = 4
#: Most messages that one message may bring about at once: RFC 5393 §5.3.3 has 60 branches at most.
_MOST = 64

_worlds = World(asks=False), World(asks=True)


def check(data: bytes) -> None:
    """The first byte says where, and what the phones say there; messages follow."""
    first = data[0] if data else 0
    world = _worlds[first // 128]
    said = _SAID[first % len(_SAID)]
    # What others in this process have logged before is not of this.
    world.failures.clear()
    for message in data[1:].split(_THEN)[:10]:
        sent = world.receive(message)
        proof = answerToChallenge(message, sent)
        if proof:
            sent += world.receive(proof)
        assert len(sent) <= _MOST, len(sent)
        for _ in range(_ROUNDS):
            sent = answered(world, sent, said)
        world.reactor.advance(0.1)
        world.take()
    world.passTime()
    failures, world.failures = world.failures, []
    for event in failures:
        raise event["log_failure"].value
    assert not any(world.left().values()), world.left()


def answerToChallenge(message: bytes, sent: list[Request | Response]) -> bytes:
    """
    @return: the message with a proof of the password, if it was asked for one.
    """
    for answer in sent:
        name = "www-authenticate" if answer.has("www-authenticate") else "proxy-authenticate"
        if isinstance(answer, Response) and answer.status in (401, 407) and answer.has(name):
            challenge = parseChallenge(answer.get(name) or "")
            method = answer.cseq.method
            proof = answerTo(challenge, USER, PASSWORD, method, "sip:x", "cnonce")
            field = "Authorization" if answer.status == 401 else "Proxy-Authorization"
            start, end, rest = message.partition(b"\r\n")
            return start + end + f"{field}: {proof}\r\n".encode() + rest
    return b""


def answered(world: World, sent: list[Request | Response], status: int) -> list[Request | Response]:
    """Have the phones answer what has reached them.

    @return: what is sent for that.
    """
    more: list[Request | Response] = []
    for message in sent:
        if isinstance(message, Request) and status and message.method != "ACK":
            contact = [("Contact", "<sip:other@192.0.2.99>")] if 300 <= status < 400 else []
            answer = message.respond(status, toTag="phone", headers=contact)
            more += world.receive(answer.toBytes(), ("192.0.2.77", 5060))
    return more


def _request(method: str, uri: str, *lines: str, number: int = 1, tag: str = "") -> bytes:
    head = (
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP 198.51.100.10:5060;branch=z9hG4bK{method}{number};rport",
        "Max-Forwards: 70",
        "From: <sip:carol@example.com>;tag=1",
        f"To: <sip:{'carol' if method == 'REGISTER' else 'bob'}@example.com>{tag}",
        f"Call-ID: call{number}",
        f"CSeq: {number} {method}",
        *lines,
        "Content-Length: 0",
    )
    return "\r\n".join((*head, "", "")).encode()


_REGISTER = _request("REGISTER", "sip:example.com", "Contact: <sip:bob@192.0.2.77>", "Expires: 60")
_FORK = _request(
    "REGISTER",
    "sip:example.com",
    "Contact: <sip:a@192.0.2.77>;q=0.5, <sip:b@192.0.2.78>, <sip:c@[2001:db8::1];transport=tcp>",
    "Contact: <sip:bob@example.net>;expires=7200",
)
_INVITE = _request(
    "INVITE", "sip:carol@example.com", "Contact: <sip:carol@198.51.100.10>", number=2
)
_CANCEL = _INVITE.replace(b"INVITE sip", b"CANCEL sip").replace(b"2 INVITE", b"2 CANCEL")
_BYE = _request(
    "BYE", "sip:bob@192.0.2.77", "Route: <sip:192.0.2.1;lr>", number=3, tag=";tag=phone"
)
_OPTIONS = _request("OPTIONS", "sip:example.com")
_MESSAGE = _request("MESSAGE", "sip:carol@example.com", number=4)


def _seeds() -> list[bytes]:
    found = [bytes((place,)) + data for place, data in enumerate(torture())]
    found += [
        bytes((place + where,)) + _THEN.join((register, _INVITE, then))
        for where in (0, 132)
        for place in range(len(_SAID))
        for register in (_REGISTER, _FORK)
        for then in (_CANCEL, _BYE, _MESSAGE)
    ]
    return [*found, b"\0" + _OPTIONS, b"\3" + _THEN.join((_REGISTER, _REGISTER, _MESSAGE, _FORK))]


_OTHERS = [*torture(), _REGISTER, _FORK, _INVITE, _CANCEL, _BYE, _OPTIONS, _MESSAGE]


def mutate(data: bytes, random: Random) -> bytes:
    """Change one of the messages, or put another one among them."""
    parts = data[1:].split(_THEN)
    place = random.randrange(len(parts))
    if random.random() < 0.2:
        parts.insert(place, random.choice(_OTHERS))
    else:
        parts[place] = Mutation(random, _OTHERS).apply(parts[place])
    return bytes((random.randrange(256),)) + _THEN.join(parts)


TARGET = Target(
    what="nothing fails, what is sent are messages, and nothing is left in the end",
    check=check,
    seeds=_seeds(),
    inputs=st.builds(
        lambda said, parts: bytes((said,)) + _THEN.join(parts),
        st.integers(0, 255),
        st.lists(st.one_of(messages, st.sampled_from(_OTHERS)), min_size=1, max_size=4),
    ),
    mutate=mutate,
)
