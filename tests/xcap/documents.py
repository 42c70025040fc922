"""Documents, and selectors for them."""

from __future__ import annotations

from hypothesis import strategies as st

from sipapp.xcap.nodeselector import NodeSelector
from sipapp.xcap.selector import parseNodeSelector

NAMESPACE = "urn:d"
"""The default namespace of the documents here."""

_QUERY = "xmlns(p=urn:p)xmlns(q=urn:q)"

_TEXTS = st.lists(
    st.sampled_from(
        [
            "\n  ",
            "text",
            "&amp;",
            "<!-- <a> -->",
            "<![CDATA[</a>]]>",
            "<?pi <b/> ?>",
            "é/>",
            "&#10;",
        ]
    ),
    max_size=2,
).map("".join)
_SPACES = st.sampled_from([" ", "\n\t", "  "])
_EQUALS = st.sampled_from(["=", " = ", "\n="])
_VALUES = st.sampled_from(['"1"', "'1'", '"a>b"', "'\"'", '"/>"', '"é"', '"a&amp;b"', "''"])
_DECLARATIONS = st.sampled_from(["", "", "", ' xmlns="urn:e"', " xmlns:p='urn:q'", ' xmlns=""'])
_PROLOGUES = st.sampled_from(
    ["", "\ufeff", '<?xml version="1.0"?>\n', "<?xml version='1.0' encoding='utf-8'?><!-- <a> -->"]
)


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    """
    @param depth: how many may stand one in the other.
    @return: an element where the prefix C{p} is bound.
    """
    return _written(draw, draw(_DECLARATIONS), depth)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    root = _written(draw, f' xmlns="{NAMESPACE}" xmlns:p="urn:p"', 4)
    return (draw(_PROLOGUES) + root + draw(st.sampled_from(["", "\n", "<!-- </a> -->"]))).encode()


def _written(draw: st.DrawFn, declarations: str, depth: int) -> str:
    name = draw(st.sampled_from(["a", "b", "p:a"]))
    attributes = "".join(
        f"{draw(_SPACES)}{each}{draw(_EQUALS)}{draw(_VALUES)}"
        for each in draw(st.lists(st.sampled_from(["i", "k", "p:i"]), max_size=2, unique=True))
    )
    tag = f"{name}{declarations}{attributes}{draw(st.sampled_from(['', ' ']))}"
    count = draw(st.integers(0, 3)) if depth > 1 else 0
    content = draw(_TEXTS) + "".join(draw(elements(depth - 1)) + draw(_TEXTS) for _ in range(count))
    if not content and draw(st.booleans()):
        return f"<{tag}/>"
    return f"<{tag}>{content}</{name}{draw(st.sampled_from(['', ' ']))}>"


_NAMES = st.sampled_from(["a", "a", "b", "p:a", "q:a", "*"])
_POSITIONS = st.sampled_from(["", "", "[1]", "[2]", "[3]"])
_TESTS = st.sampled_from(["", "", "", '[@i="1"]', "[@k='\"']", '[@p:i="a&amp;b"]'])
_STEPS = st.builds("".join, st.tuples(_NAMES, _POSITIONS, _TESTS))
_TERMINALS = st.sampled_from(["", "", "/@i", "/@p:i", "/@new", "/@q:i"])


@st.composite
def selectors(draw: st.DrawFn) -> NodeSelector:
    """
    @return: a selector of an element or attribute that may be there.
    """
    steps = "/".join(["*", *draw(st.lists(_STEPS, max_size=3))])
    return selector(steps + draw(_TERMINALS), _QUERY)


def selector(text: str, query: str = _QUERY, namespace: str = NAMESPACE) -> NodeSelector:
    """
    @param text: not percent-encoded.
    """
    return parseNodeSelector(text, query).resolved(namespace)
