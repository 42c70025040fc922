"""Describes messages to hypothesis: header fields that matter, each with values good and bad."""

from __future__ import annotations

from hypothesis import strategies as st

from sipapp.sip.headers import COMPACT, DISPLAY
from tests.fuzz.mutation import METHODS, NUMBERS, SCRAPS
from tests.fuzz.target import torture

hosts = st.sampled_from(
    ["example.com", "a", "192.0.2.1", "[::1]", "[2001:db8::1]", "1.2.3", "a-.b", "EXAMPLE.com.", ""]
)
scraps = st.sampled_from([scrap.decode("utf-8", "surrogateescape") for scrap in SCRAPS])
numbers = st.sampled_from([number.decode("utf-8") for number in NUMBERS])
methods = st.sampled_from([method.decode("ascii") for method in METHODS])
tokens = st.one_of(st.sampled_from(["x", "1", "z9hG4bKa", "tag", "lr", "q", "0.5"]), scraps)
parameters = st.lists(
    st.builds("{}{}{}".format, tokens, st.sampled_from(["=", "", " = "]), tokens), max_size=3
).map(lambda found: "".join(f";{each}" for each in found))
ports = st.one_of(st.just(""), numbers.map(":{}".format))
users = st.one_of(st.just(""), tokens.map("{}@".format))
schemes = st.sampled_from(["sip:", "sips:", "tel:", "SIP:", "x:", ""])
uris = st.builds("{}{}{}{}{}".format, schemes, users, hosts, ports, parameters)
addresses = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "A ", '"a" ', '"a\\"', '"', "é "]),
    st.one_of(uris.map("<{}>".format), uris),
    parameters,
)
vias = st.builds(
    "SIP/2.0/{} {}{}{}".format,
    st.sampled_from(["UDP", "TCP", "TLS", "x"]),
    hosts,
    ports,
    parameters,
)
values = {
    "via": vias,
    "from": addresses,
    "to": addresses,
    "contact": st.one_of(addresses, st.just("*")),
    "route": addresses,
    "record-route": addresses,
    "path": addresses,
    "call-id": tokens,
    "cseq": st.builds("{} {}".format, numbers, methods),
    "max-forwards": numbers,
    "expires": numbers,
    "content-length": numbers,
    "require": tokens,
    "content-type": st.builds("{}/{}".format, tokens, tokens),
    "authorization": st.builds('Digest username="{}", nc={}'.format, tokens, numbers),
    "x-other": st.text(max_size=10),
}
_LETTERS = {name: letter for letter, name in COMPACT.items()}


def _spellings(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from([DISPLAY.get(name, name), name, name.upper(), _LETTERS.get(name, name)])


def _line(name: str) -> st.SearchStrategy[str]:
    value = values[name]
    lists = st.lists(value, min_size=1, max_size=3).map(", ".join)
    odd = st.tuples(value, scraps, value).map("".join)
    colons = st.sampled_from([": ", ": ", ":", " : ", ":\r\n "])
    return st.builds("{}{}{}".format, _spellings(name), colons, st.one_of(value, lists, odd))


lines = st.one_of([_line(name) for name in values])
starts = st.one_of(
    st.builds("{} {} SIP/2.0".format, methods, uris),
    st.builds("SIP/2.0 {} {}".format, st.sampled_from([100, 180, 200, 486, 699]), tokens),
    st.builds("{}{}{}".format, methods, scraps, uris),
)


def _sound(method: str, uri: str, extra: list[str], body: str) -> str:
    """A request in good order, but for what is extra."""
    head = [
        f"{method} {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKa;rport",
        "Max-Forwards: 70",
        "From: <sip:a@example.com>;tag=1",
        "To: <sip:b@example.com>",
        "Call-ID: c",
        f"CSeq: 1 {method}",
        *extra,
    ]
    return "\r\n".join([*head, f"Content-Length: {len(body.encode('utf-8'))}", "", body])


def _broken(start: str, found: list[str], end: str, body: str) -> str:
    return "\r\n".join([start, *found]) + end + body


bodies = st.sampled_from(["", "v=0\r\n", "x" * 20, "BYE sip:a SIP/2.0\r\n\r\n"])
texts = st.one_of(
    st.builds(_sound, methods, uris, st.lists(lines, max_size=3), bodies),
    st.builds(
        _broken,
        starts,
        st.lists(lines, max_size=9),
        st.sampled_from(["\r\n\r\n", "\r\n\r\n", "\r\n", "", "\n\n"]),
        bodies,
    ),
)

messages: st.SearchStrategy[bytes] = st.one_of(
    texts.map(lambda text: text.encode("utf-8", "surrogateescape")), st.sampled_from(torture())
)
"""Requests and responses: sound, broken, and those of RFC 4475 and RFC 5118."""
