"""Tests of C{sipapp.xcap.elements}."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sipapp.xcap.document import namespacesOf
from sipapp.xcap.elements import ATTRIBUTES, DEPTH, ELEMENTS, NAMESPACE, Element, rootOf
from sipapp.xcap.errors import ConstraintFailure, NotUTF8, NotWellFormed, XCAPError
from sipapp.xcap.namespaces import XML
from tests.support.work import callsOf
from tests.xcap.documents import documents


def _paths(root: Element) -> Iterator[tuple[Element, ...]]:
    """
    @return: all elements in their order, each with those around it before it.
    """
    waiting = [(root,)]
    while waiting:
        path = waiting.pop()
        yield path
        waiting += [(*path, child) for child in reversed(path[-1].children)]


@given(documents())
def test_asAnotherParserSeesIt(body: bytes) -> None:
    """Names, attributes and namespaces are what libxml2 says, in the same order; and what is cut
    out where an element is said to be is that element."""
    paths = list(_paths(rootOf(body)))
    others = list(etree.fromstring(body).iter(etree.Element))
    assert len(paths) == len(others)
    for path, other in zip(paths, others, strict=True):
        element = path[-1]
        assert element.name == _name(other.tag)
        assert element.attributes == {_name(each): value for each, value in other.items()}
        bound = {prefix or "": each for prefix, each in other.nsmap.items() if each}
        assert namespacesOf(path) == {"xml": XML, **bound}
        cut = etree.fromstring(body[: element.start] + b"<cut/>" + body[element.end :])
        (hole,) = cut.iter("{*}cut")
        assert hole.tail == other.tail
        assert _place(hole) == _place(other)


def _name(written: str) -> tuple[str, str]:
    name = etree.QName(written)
    return name.namespace or "", name.localname


def _place(element: etree._Element) -> list[int]:
    """
    @return: how many elements stand before an element, and before each one around it.
    """
    around = [element, *element.iterancestors()]
    return [len(list(each.itersiblings(etree.Element, preceding=True))) for each in around]


@given(documents())
def test_slices(body: bytes) -> None:
    for path in _paths(rootOf(body)):
        element = path[-1]
        assert body[element.start : element.start + 1] == b"<"
        assert body[element.end - 1 : element.end] == b">"
        if element.isEmptyTag:
            assert body[element.end - 2 : element.end] == b"/>"
        else:
            assert body[element.contentEnd : element.contentEnd + 2] == b"</"
            assert body.index(b">", element.contentEnd) == element.end - 1


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_anything(body: bytes) -> None:
    with suppress(NotUTF8, NotWellFormed):
        rootOf(body)


@given(documents(), st.data())
def test_cut(body: bytes, data: st.DataObject) -> None:
    """What is not whole is no document, and what comes behind it neither."""
    root = rootOf(body)
    with pytest.raises(XCAPError):
        rootOf(body[: data.draw(st.integers(0, root.end - 1))])
    with pytest.raises(NotWellFormed):
        rootOf(body + b"<a/>")


@pytest.mark.parametrize(
    ("body", "empty"),
    [
        (b"<a/>", True),
        (b"<a />", True),
        (b"<a></a>", False),
        (b"<a>/></a>", False),
        (b"<a b='/>'></a>", False),
        (b"<a b='/>'/>", True),
        (b"<a><!--/>--></a>", False),
        (b"<a><b/></a>", False),
        (b"<a><b/>/></a >", False),
        (b"<a><?b /?></a>", False),
    ],
)
def test_emptyTags(body: bytes, empty: bool) -> None:
    element = rootOf(b"<x>" + body + b"</x>").children[0]
    assert (element.start, element.end) == (3, 3 + len(body))
    assert element.isEmptyTag == empty


def test_byteOrderMark() -> None:
    """It counts as what it is, three bytes."""
    root = rootOf("\ufeff<a/>".encode())
    assert (root.start, root.end) == (3, 7)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "no element found in line 1, column 1"),
        (b" ", "no element found in line 1, column 2"),
        (b"a", "syntax error in line 1, column 1"),
        (b"<a>", "no element found in line 1, column 4"),
        (b"<a>\n</b>", "mismatched tag in line 2, column 3"),
        (b"<a/><b/>", "junk after document element in line 1, column 5"),
        (b"<a/>\0", "not well-formed (invalid token) in line 1, column 5"),
        (b"<a>\x01</a>", "not well-formed (invalid token) in line 1, column 4"),
        (b"<a>\xef\xbf\xbe</a>", "not well-formed (invalid token) in line 1, column 4"),
        (b"<a>&b;</a>", "undefined entity in line 1, column 4"),
        (b"<a b='&c;'/>", "undefined entity in line 1, column 1"),
        (b"<a b='' b=''/>", "duplicate attribute in line 1, column 9"),
        (b"<a b='<'/>", "not well-formed (invalid token) in line 1, column 7"),
        (b"<a>&#0;</a>", "reference to invalid character number in line 1, column 4"),
        (b"<a>\n<p:b/></a>", "the prefix 'p' is not bound in line 2, column 1"),
        (b"<a p:b=''/>", "the prefix 'p' is not bound in line 1, column 1"),
        (b"<:a/>", "':a' is no name in line 1, column 1"),
        (b"<a xmlns:p=''/>", "the prefix 'p' cannot be declared so in line 1, column 1"),
        (
            b"<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
            "an attribute is there twice in line 1, column 1",
        ),
        (b"\n<?xml version='1.0'?><a/>", "XML or text declaration not at start of entity"),
    ],
)
def test_notWellFormed(body: bytes, detail: str) -> None:
    with pytest.raises(NotWellFormed) as caught:
        rootOf(body)
    assert caught.value.detail.startswith(detail)


_LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE a><a/>",
        "<?xml version='1.0'?>\n<!-- <a> --><?b <a>?><!DOCTYPE a><a/>",
        "\ufeff<!DOCTYPE a SYSTEM 'http://example.com/a.dtd'><a/>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        f'<!DOCTYPE a [<!ENTITY l0 "laugh">{_LAUGHS}]><a>&l9;</a>',
        "<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://example.com/b'>%b;]><a/>",
        "<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a/>",
    ],
)
def test_documentTypeDeclaration(body: str) -> None:
    """Nothing in it is read."""
    with pytest.raises(NotWellFormed, match="a document type declaration is not allowed"):
        rootOf(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        b"<a><![CDATA[<!DOCTYPE a>]]></a>",
        b"<a><!-- <!DOCTYPE a> --></a>",
        b"<a/><!-- <!DOCTYPE a> -->",
    ],
)
def test_noDocumentTypeDeclaration(body: bytes) -> None:
    assert rootOf(body).name == ("", "a")


@pytest.mark.parametrize("body", [b"<a/><!DOCTYPE a>", b"<a><!DOCTYPE a></a>"])
def test_documentTypeDeclarationTooLate(body: bytes) -> None:
    with pytest.raises(NotWellFormed):
        rootOf(body)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"<a>\xe9</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a>\xc0\xaf</a>",
        b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
    ],
)
def test_notUTF8(body: bytes) -> None:
    with pytest.raises(NotUTF8):
        rootOf(body)


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8"])
def test_utf8(encoding: str) -> None:
    body = f"<?xml version='1.0' encoding='{encoding}'?><é/>".encode()
    assert rootOf(body).name == ("", "é")


def test_depth() -> None:
    assert rootOf(b"<a>" * DEPTH + b"</a>" * DEPTH)
    with pytest.raises(ConstraintFailure, match="64 elements deep"):
        rootOf(b"<a>" * (DEPTH + 1) + b"</a>" * (DEPTH + 1))
    with pytest.raises(ConstraintFailure):
        rootOf(b"<a>" * 100_000)


def test_elements() -> None:
    assert len(rootOf(b"<a>" + b"<b/>" * (ELEMENTS - 1) + b"</a>").children) == ELEMENTS - 1
    with pytest.raises(ConstraintFailure, match="65536 elements"):
        rootOf(b"<a>" + b"<b/>" * ELEMENTS + b"</a>")


def test_attributes() -> None:
    def element(count: int) -> bytes:
        return b"<a xmlns:p='u'%s/>" % b"".join(b" p:a%d=''" % each for each in range(count - 1))

    assert len(rootOf(element(ATTRIBUTES)).attributes) == ATTRIBUTES - 1
    with pytest.raises(ConstraintFailure, match="256 attributes"):
        rootOf(element(ATTRIBUTES + 1))


@pytest.mark.parametrize("declaration", ["xmlns", "xmlns:p"])
def test_namespaces(declaration: str) -> None:
    """One is declared once, and used by everything that is in there."""

    def element(length: int) -> bytes:
        return f"<a><a {declaration}='{'u' * length}'/></a>".encode()

    assert rootOf(element(NAMESPACE))
    with pytest.raises(ConstraintFailure, match="1024 characters"):
        rootOf(element(NAMESPACE + 1))


@pytest.mark.parametrize(
    "child",
    [
        b"<b/>",
        b"<b c='1' d='2'>text</b>",
        b"<p:b p:c='' xmlns:p='u'/>",
        b"<b>/></b>",
        b"<b/>&gt;/>",
        b"<b><b><b><b><b/></b></b></b></b>",
    ],
)
def test_linear(child: bytes) -> None:
    """Four times as much takes four times the work."""
    small, large = (b"<a xmlns:q='u'>" + child * count + b"</a>" for count in (100, 400))
    assert callsOf(lambda: rootOf(large)) < 4.2 * callsOf(lambda: rootOf(small))


@pytest.mark.parametrize(
    "child", ["<p:b{}/>", "<b p:c{}=''/>", "<c xmlns:q{}='u'/>", "<c xmlns:q='u'><q:b{}/></c>"]
)
def test_longNamespace(child: str) -> None:
    """It is not in memory once for each name, nor is what is in scope for each element."""
    many = "".join(child.format(each) for each in range(1000))
    declarations = "".join(f" xmlns:n{each}='u{each}'" for each in range(200))
    body = f"<a xmlns:p='{'x' * NAMESPACE}'{declarations}>{many}</a>".encode()
    tracemalloc.start()
    try:
        rootOf(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 * len(body)


def test_severalPieces() -> None:
    """The parser is fed such a document in pieces; offsets go on."""
    text = b"<!-- " + b"x" * 3_000_000 + b" -->"
    body = b"<a>" + text + b"<b/></a>"
    (child,) = rootOf(body).children
    assert body[child.start : child.end] == b"<b/>"


@pytest.mark.parametrize(
    "body",
    [
        b"<a><b c='d'/></a>",
        b"<a>",
        b"<a><p:b/></a>",
        b"<!DOCTYPE a><a/>",
        b"<a>" * (DEPTH + 1),
        b"\xff",
    ],
)
def test_leavesNothingForTheGarbageCollector(body: bytes) -> None:
    def read() -> None:
        with suppress(XCAPError):
            rootOf(body)

    read()
    gc.collect()
    gc.disable()
    try:
        read()
        assert gc.collect() == 0
    finally:
        gc.enable()
