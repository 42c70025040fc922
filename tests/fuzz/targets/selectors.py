"""XCAP selectors: a URI is refused in words, or selects what can be written and selects the same;
no document is outside of its tree, and a user has one name."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from sipapp.xcap.errors import BadSelector, NotFound, URITooLong, XCAPError
from sipapp.xcap.names import DocumentName
from sipapp.xcap.nodeselector import NodeSelector, Step
from sipapp.xcap.selector import LONGEST, Selector, parseNodeSelector, parseSelector
from tests.fuzz.mutation import NUMBERS, SCRAPS
from tests.fuzz.target import Target

_DOMAIN = "example.com"
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)


def check(data: bytes) -> None:
    """Path and query, as they stand in a request."""
    path, _, query = data.partition(b"?")
    try:
        selector = parseSelector(path, query)
    except XCAPError as error:
        checkError(error)
        return
    checkName(selector.document)
    checkUser(selector.document)
    if selector.node is not None:
        checkNode(selector.node)


def checkError(error: XCAPError) -> None:
    assert type(error) in (BadSelector, NotFound, URITooLong)
    assert error.detail
    assert error.detail.isprintable()


def checkName(name: DocumentName) -> None:
    """It says where it is, and nothing else is there."""
    for part in (name.auid, name.xui or "-", *name.path.split("/")):
        assert part not in ("", ".", "..", "~~")
        assert "/" not in part
        assert "\0" not in part
    path = name.toPath()
    assert path.isascii()
    assert path.isprintable()
    # What needed escapes and came without is longer.
    if len(path) <= LONGEST:
        assert parseSelector(path) == Selector(name, None)


def checkUser(name: DocumentName) -> None:
    try:
        canonical = name.canonical(_DOMAIN)
    except BadSelector as error:
        checkError(error)
        return
    assert canonical.canonical("elsewhere.example") == canonical
    assert canonical.isGlobal == name.isGlobal
    checkName(canonical)


def checkNode(node: NodeSelector) -> None:
    reference = node.toReference()
    assert reference.isascii()
    assert reference.isprintable()
    assert parseNodeSelector(node.text, node.query) == node
    for count in range(1, len(node.steps) + 1)[:8]:
        ancestor = node.upTo(count)
        assert parseNodeSelector(ancestor.text, node.query) == ancestor
    resolved = node.resolved("urn:x")
    assert resolved.resolved("urn:y") == resolved
    for step in node.steps:
        checkStep(step)


def checkStep(step: Step) -> None:
    """A value is one of an attribute: written there it is the same."""
    assert step.position is None or 0 <= step.position < 10**9
    if step.attribute is not None:
        value = step.attribute[1]
        (again,) = parseNodeSelector(_encoded(f'a[@b="{value.translate(_ESCAPES)}"]')).steps
        assert again.attribute == (("", "b"), value)


def _encoded(text: str) -> bytes:
    return b"".join(b"%%%02x" % byte for byte in text.encode())


_SEEDS = (
    b"/resource-lists/users/sip:joe@example.com/index",
    b"/resource-lists/users/sip%3ajoe%40example.com/index/~~/resource-lists/list%5b2%5d",
    b"/resource-lists/users/joe/index/~~/resource-lists/list%5B@name=%22l1%22%5D/entry/@uri",
    b"/pres-rules/users/tel:+1-555/index/~~/cr:ruleset/*[3][@id='a%2Fb']?xmlns(cr=urn:a)",
    b"/rls-services/global/index/%7E~/rls-services/namespace::*",
    b"/a/users/sips:a%2520b:pw@Example.com.:5061;x=y/b/c/~~/a:b/@c:d?xmlns(a=urn:^(a))xmlns(c=d)",
    b"/a/global/b/~~/*/*[@xml:lang='&amp;&#x41;&quot;']/c[007]",
    b"/a/users/../index/~~/a",
)

_WORDS = (
    *("users", "global", "index", "~~", "%7e~", "resource-lists", "sip:joe@example.com", "joe"),
    *("a:b", "*", "@a", "@a:b", "namespace::*", "a%5b1%5d", "a[@b='c']", "a[2][@a:b=%22%26lt;%22]"),
    *("..", "%2e%2e", "%2F", "%00", "%ff", "%", "é", "", "tel:+1", "a@b@c", "im:a", "a[@b='/~~/']"),
)
_QUERIES = (
    "",
    "?",
    "?xmlns(a=urn:a)",
    "?xmlns(a=^))",
    "?xmlns(a=())",
    "?xmlns(a=(",
    "?xmlns(a=b) ",
)
_paths = st.builds(
    "/{}/{}/{}{}".format,
    st.sampled_from(["a", "resource-lists", "%61", ""]),
    st.sampled_from(["global/index", "users/joe/index", "users/sip:joe@Example.com/a/b", "users"]),
    st.lists(st.one_of(st.sampled_from(_WORDS), st.text(max_size=5)), max_size=6).map("/".join),
    st.sampled_from(_QUERIES),
)
_nodes = st.builds(
    "/a/global/index/~~/{}{}".format,
    st.lists(
        st.builds(
            "{}{}{}".format,
            st.sampled_from(["a", "*", "a:b", "é"]),
            st.sampled_from(["", "", "[1]", "%5b99999999999%5D", "[0]"]),
            st.one_of(
                st.just(""),
                st.builds("[@a:b='{}']".format, st.text(max_size=5)),
                st.builds(
                    "[@b=%22{}%22]".format, st.sampled_from(["&", "&#9;", "\t", "&lt;", "/"])
                ),
            ),
        ),
        min_size=1,
        max_size=5,
    ).map("/".join),
    st.sampled_from(_QUERIES),
)


def mutate(data: bytes, random: Random) -> bytes:
    """Change a segment, the order of segments, or a piece of one."""
    parts = data.split(b"/")
    place = random.randrange(len(parts))
    piece = parts[place]
    at = random.randint(0, len(piece))
    change = random.randrange(6)
    if change == 0:
        parts[place] = piece[:at] + random.choice(SCRAPS) + piece[at + random.randint(0, 2) :]
    elif change == 1:
        parts[place] = random.choice(_WORDS).encode()
    elif change == 2:
        parts[place : place + 1] = [piece] * random.choice((0, 2, 500))
    elif change == 3:
        parts[place] = piece[:at] + b"[" + random.choice(NUMBERS) + b"]" + piece[at:]
    elif change == 4:
        parts[place] = b"".join(b"%%%02X" % byte for byte in piece[:100])
    else:
        changed = bytearray(piece or b"x")
        changed[random.randrange(len(changed))] = random.randrange(256)
        parts[place] = bytes(changed)
    return b"/".join(parts)


TARGET = Target(
    what="a URI is refused in words, or selects what can be written and is in its tree",
    check=check,
    seeds=_SEEDS,
    inputs=st.one_of(_paths, _nodes).map(lambda text: text.encode("utf-8", "surrogateescape")),
    mutate=mutate,
    longest=8300,
)
