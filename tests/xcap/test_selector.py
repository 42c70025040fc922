"""What a URI selects (RFC 4825 §6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.xcap.errors import BadSelector, NotFound, URITooLong, XCAPError
from sipapp.xcap.names import DocumentName
from sipapp.xcap.nodeselector import NAMESPACE, WILDCARD, AttributeSelector, NodeSelector, Step
from sipapp.xcap.selector import LONGEST, Selector, parseNodeSelector, parseSelector

_INDEX = DocumentName("resource-lists", "sip:joe@example.com", "index")


def step(
    name: str,
    position: int | None = None,
    attribute: tuple[tuple[str, str], str] | None = None,
    namespace: str | None = None,
) -> tuple[object, ...]:
    """
    @return: what a step says, but for how it is written.
    """
    return (namespace, name, position, attribute)


def said(selector: NodeSelector) -> list[tuple[object, ...]]:
    return [(each.namespace, each.name, each.position, each.attribute) for each in selector.steps]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/resource-lists/users/sip:joe@example.com/index", _INDEX),
        ("resource-lists/users/sip:joe@example.com/index", _INDEX),
        (b"/resource-lists/users/sip:joe@example.com/index", _INDEX),
        ("/resource-lists/users/sip%3Ajoe%40example.com/index", _INDEX),
        ("/resource%2Dlists/user%73/sip:joe@example.com/inde%78", _INDEX),
        ("/pidf/global/a/b/c", DocumentName("pidf", "", "a/b/c")),
        ("/a/users/joe/b%20c/%C3%A9", DocumentName("a", "joe", "b c/é")),
        ("/a/users/joe/é".encode(), DocumentName("a", "joe", "é")),
        ("/a/users/joe/100%25", DocumentName("a", "joe", "100%")),
        ("/a/users/joe/a%252Fb", DocumentName("a", "joe", "a%2Fb")),
        ("/a/users/users/global", DocumentName("a", "users", "global")),
        ("/a/users/joe/~", DocumentName("a", "joe", "~")),
        ("/a/users/joe/a~~", DocumentName("a", "joe", "a~~")),
        ("/a/users/joe/...", DocumentName("a", "joe", "...")),
    ],
)
def test_documents(path: str | bytes, name: DocumentName) -> None:
    assert parseSelector(path) == Selector(name, None)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/",
            "/a",
            "/a/",
            "/a/users",
            "/a/users/",
            "/a/users/joe",
            "/a/users/joe/",
            "/a/global",
        ),
        *("/a/global/", "/a/users/joe/b/", "/a/other/joe/index", "/a/Users/joe/index", "/a/b"),
        *("/a/users/joe/~~/b", "/~~/b", "~~", "/a/~~/b"),
    ],
)
def test_noDocument(path: str) -> None:
    with pytest.raises(NotFound):
        parseSelector(path)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/a/users/joe/../jim/index", "dot segment"),
        ("/a/users/joe/%2e%2E/jim/index", "dot segment"),
        ("/a/users/../index", "dot segment"),
        ("/a/users/./index", "dot segment"),
        ("/a/users/joe/.", "dot segment"),
        ("/../global/index", "dot segment"),
        ("/a/users/joe%2Fjim/index", "encoded slash"),
        ("/a/users/joe/b%2findex", "encoded slash"),
        ("/a/users/joe/..%2F..%2Fetc", "encoded slash"),
        ("/a/users/joe/%2e%2e%2fjim%2findex", "encoded slash"),
        ("/a%2Fusers/global/index", "encoded slash"),
        ("/a/users//index", "name of the user is empty"),
        ("//users/joe/index", "name is empty"),
        ("/a/users/joe//index", "name is empty"),
        ("/a/global//index", "name is empty"),
        ("/a/users/joe/a%00", "NUL"),
        (b"/a/users/joe/a\0", "NUL"),
        ("/a/users/joe/a%0d%0aX: y", "control character"),
        ("/a/users/joe/%7F", "control character"),
        ("/a/users/joe/%C2%85", "control character"),
        ("/a/users/joe/%FF", "not UTF-8"),
        (b"/a/users/joe/\xe9", "not UTF-8"),
        ("/a/users/joe/\udce9", "not UTF-8"),
        ("/a/users/joe/%C0%AE%C0%AE/b", "not UTF-8"),
        ("/a/users/joe/%ED%A0%80", "not UTF-8"),
        ("/a/users/joe/%", "escapes nothing"),
        ("/a/users/joe/%4", "escapes nothing"),
        ("/a/users/joe/%u002f", "escapes nothing"),
    ],
)
def test_badDocuments(path: str | bytes, why: str) -> None:
    with pytest.raises(BadSelector, match=why):
        parseSelector(path)
    if isinstance(path, str):
        # It does not get better with a node behind it.
        with pytest.raises(BadSelector, match=why):
            parseSelector(f"{path}/~~/a")


@pytest.mark.parametrize("separator", ["~~", "%7E%7E", "~%7e"])
def test_separator(separator: str) -> None:
    path = f"/resource-lists/users/sip:joe@example.com/index/{separator}/resource-lists/list"
    selector = parseSelector(path)
    assert selector.document == _INDEX
    assert selector.node is not None
    assert said(selector.node) == [step("resource-lists"), step("list")]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("foo", [step("foo")]),
        ("foo/bar", [step("foo"), step("bar")]),
        ("*", [step(WILDCARD)]),
        ("foo/*%5b2%5d", [step("foo"), step(WILDCARD, 2)]),
        ("foo[1]", [step("foo", 1)]),
        ("foo%5B007%5D", [step("foo", 7)]),
        ("foo[0]", [step("foo", 0)]),
        ('foo[@a="b"]', [step("foo", None, (("", "a"), "b"))]),
        ("foo%5b@a=%22b%22%5d", [step("foo", None, (("", "a"), "b"))]),
        ("foo[%40a='b']", [step("foo", None, (("", "a"), "b"))]),
        ("*[@a='\"']", [step(WILDCARD, None, (("", "a"), '"'))]),
        ('foo[2][@a="b"]', [step("foo", 2, (("", "a"), "b"))]),
        ('foo[@a=""]', [step("foo", None, (("", "a"), ""))]),
        ('foo[@a="%26quot;%26#38;%26lt;"]', [step("foo", None, (("", "a"), '"&<'))]),
        ('foo[@a="b]/c[1]"]/d', [step("foo", None, (("", "a"), "b]/c[1]")), step("d")]),
        ('foo[@a="b%2Fc/d"]', [step("foo", None, (("", "a"), "b/c/d"))]),
        ('foo[@a="%0A%09"]', [step("foo", None, (("", "a"), "  "))]),
        ('foo[@a="%26#10;"]', [step("foo", None, (("", "a"), "\n"))]),
        ('foo[@a="100%25"]', [step("foo", None, (("", "a"), "100%"))]),
        ('foo[@a="%7E~/.."]', [step("foo", None, (("", "a"), "~~/.."))]),
        ("f%C3%B6%C3%B6", [step("föö")]),
        ("namespace", [step("namespace")]),
        ("xml:a", [step("a", namespace="http://www.w3.org/XML/1998/namespace")]),
        (
            'foo[@xml:lang="en"]',
            [step("foo", None, (("http://www.w3.org/XML/1998/namespace", "lang"), "en"))],
        ),
    ],
)
def test_elements(text: str, steps: list[tuple[object, ...]]) -> None:
    selector = parseNodeSelector(text)
    assert said(selector) == steps
    assert selector.terminal is None


def test_prefixes() -> None:
    """An example of RFC 4825 §6.4, with more prefixes."""
    selector = parseNodeSelector(
        "a:foo/b:bar[@a:x='1']/c/@b:y", "xmlns(a=urn:test:default-namespace)xmlns(b=urn:b)"
    )
    default = "urn:test:default-namespace"
    assert said(selector) == [
        step("foo", namespace=default),
        step("bar", None, ((default, "x"), "1"), "urn:b"),
        step("c"),
    ]
    assert selector.terminal == AttributeSelector(("urn:b", "y"), "@b:y")


def test_escapedQuery() -> None:
    selector = parseNodeSelector("a:foo", b"xmlns(a=urn:a%2Fb%20/c%5e)%e2%82%ac)")
    assert said(selector) == [step("foo", namespace="urn:a/b /c)€")]
    assert selector.query == "xmlns(a=urn:a%2Fb%20/c%5e)%e2%82%ac)"


def test_terminals() -> None:
    attribute = parseNodeSelector("a/b[1]/@c")
    assert attribute.terminal == AttributeSelector(("", "c"), "@c")
    assert said(attribute) == [step("a"), step("b", 1)]
    bindings = parseNodeSelector("a/b/namespace::*")
    assert bindings.terminal is NAMESPACE
    assert said(bindings) == [step("a"), step("b")]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "@a",
            "namespace::*",
            "a/@b/c",
            "a/@b/@c",
            "a/@*",
            "a/@b[1]",
        ),
        *("a/namespace::*/b", "a/namespace::b", "a/namespace::*[1]", "a/b:*", "a/@", "a/@b=1"),
        *(
            "a[]",
            "a[-1]",
            "a[1.0]",
            "a[1",
            "a1]",
            "a[last()]",
            "a[position()=1]",
            "a[1][2]",
            "a[%D9%A1]",
        ),
        *('a[b="c"]', "a[@b=c]", "a[@b]", 'a[@b="c]', "a[@b='c\"]", 'a[@*="c"]', 'a[@b="c"][1]'),
        *(
            'a[@b="c"][@d="e"]',
            "a[ 1 ]",
            'a[@b = "c"]',
            'a[@b="<"]',
            "a b",
            " a",
            "a%0A",
            "1a",
            "a:b:c",
        ),
        # What XPath has, and nothing here evaluates.
        *("//a", "a//b", "..", "a/..", ".", "a/text()", "a/node()", "id('a')", "a|b", "a/child::b"),
        *("a/ancestor::*", "document('/etc/passwd')", "a[1 or 1]", "a[@b='c' or 'd'='d']", "$a"),
        *("a['' or 1=1]", "a/comment()", "a[name()='b']", "a/b%2Fc", "%2Fa", "a%2F", "a/%40b%2Fc"),
        "a[@b='%2F'%2F",
    ],
)
def test_badNodes(text: str) -> None:
    """What is not empty could be an extension's (RFC 4825 §6.3), but there is none (§8)."""
    kind = BadSelector if "" in text.split("/") else NotFound
    with pytest.raises(kind, match="no step of a node selector"):
        parseNodeSelector(text)


def test_badNodeIsNamed() -> None:
    with pytest.raises(NotFound, match="'b%2Fc' is no step"):
        parseNodeSelector("a/b%2fc")


@pytest.mark.parametrize(
    ("text", "query", "why"),
    [
        ("a:b", "", "prefix 'a' is not bound"),
        ("b/@a:c", "", "prefix 'a' is not bound"),
        ("b[@a:c='']", "xmlns(b=urn:a)", "prefix 'a' is not bound"),
        ("xmlns:a", "", "prefix 'xmlns' is not bound"),
        ("b[@c='&']", "", "an ampersand"),
        ("b[@c='&nbsp;']", "", "an ampersand"),
        ("b[@c='&#0;']", "", "a reference to no character"),
        ("b[@c='&#xD800;']", "", "a character that XML does not have"),
        ("b[@c='%01']", "", "a character that XML does not have"),
        ("b[@c='%00']", "", "NUL"),
        ("b%FF", "", "not UTF-8"),
        ("b%2", "", "escapes nothing"),
        ("b", "xmlns(a=%00)", "NUL"),
        ("b", "xmlns(a=%)", "escapes nothing"),
        ("b", "xmlns(a=%FF)", "not UTF-8"),
        ("b", "a", "binds no prefix"),
    ],
)
def test_whatIsWrong(text: str, query: str, why: str) -> None:
    with pytest.raises(BadSelector, match=why):
        parseSelector(f"/a/global/index/~~/{text}", query)


def test_emptyNode() -> None:
    for path in ("/a/global/index/~~", "/a/global/index/~~/", "/a/global/index/~~//~~/b"):
        with pytest.raises(BadSelector):
            parseSelector(path)


def test_queryOfADocument() -> None:
    """It has nothing to bind, but is still to be a query."""
    assert parseSelector("/a/global/index", "xmlns(a=urn:a)").node is None
    with pytest.raises(BadSelector):
        parseSelector("/a/global/index", "download=1")


def test_bounds() -> None:
    path = "/a/global/index/~~/" + "/".join("a" * 4000)
    assert len(path) < LONGEST
    longest = path + "a" * (LONGEST - len(path))
    assert parseSelector(longest).node is not None
    with pytest.raises(URITooLong):
        parseSelector(longest + "a")
    with pytest.raises(URITooLong):
        parseSelector(path, "xmlns(a=" + "a" * 1000 + ")")


def test_hugePosition() -> None:
    """A number of any length is a position beyond all elements."""
    one, other = (
        parseNodeSelector(f"a[{'9' * length}]").steps[0].position for length in (12, 7000)
    )
    assert one == other == 999_999_999


_values = st.text(
    st.one_of(st.sampled_from("\"'/&<[]~%@ "), st.characters(exclude_categories=["Cs", "Cc"])),
    max_size=8,
).map(lambda text: text.translate({0xFFFE: None, 0xFFFF: None}))


@given(_values)
def test_anyValue(value: str) -> None:
    """Whatever an attribute holds can be asked for, and never is more than a value."""
    escapes = {"&": "&amp;", "<": "&lt;", '"': "&quot;"}
    written = "".join(escapes.get(each, each) for each in value)
    encoded = "".join(f"%{byte:02x}" for byte in written.encode())
    selector = parseNodeSelector(f'a[@b="{encoded}"]/c')
    assert said(selector) == [step("a", None, (("", "b"), value)), step("c")]
    assert parseNodeSelector(selector.text) == selector


@given(st.binary(max_size=60), st.binary(max_size=30))
def test_anyBytes(path: bytes, query: bytes) -> None:
    """What is selected is written so that it selects the same; everything else is refused."""
    try:
        selector = parseSelector(b"/a/global/index/~~/" + path, query)
    except XCAPError as error:
        assert error.status in (400, 404)
        return
    node = selector.node
    assert node is not None
    again = parseSelector(f"{selector.document.toPath()}/~~/{node.text}", node.query)
    assert again == selector


def test_aStepIsWritten() -> None:
    """L{Step} is all that it says, with how it says it."""
    (only,) = parseNodeSelector("a[3]").steps
    assert only == Step(None, "a", 3, None, "a%5B3%5D")
