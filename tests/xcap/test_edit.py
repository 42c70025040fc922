"""Tests of C{sipapp.xcap.edit}."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.xcap import edit
from sipapp.xcap.document import Document
from sipapp.xcap.elements import DEPTH
from sipapp.xcap.errors import (
    CannotDelete,
    CannotInsert,
    Conflict,
    ConstraintFailure,
    NoParent,
    NoSuchMethod,
    NotFound,
    NotUTF8,
    NotXMLAttributeValue,
    NotXMLFragment,
)
from sipapp.xcap.nodeselector import NodeSelector
from tests.support.work import callsOf
from tests.xcap.documents import documents, elements, selector, selectors

_BODY = """<?xml version="1.0"?>
<!-- é -->
<a xmlns="urn:d" xmlns:p="urn:p">
  <b i="1"/> <!-- one -->
  <c/>
  <b i='2' k = "x">text</b>
  <p:b p:i="3" />
</a>
"""
_DOCUMENT = Document(_BODY.encode())


def _put(text: str, content: str) -> tuple[str, bool]:
    """Put something, and see that it is there, and that to put it again changes nothing."""
    node = selector(text)
    changed, isNew = edit.put(_DOCUMENT, node, content.encode())
    assert edit.get(changed, node) == content.encode()
    again, isNewAgain = edit.put(changed, node, content.encode())
    assert (again.body, isNewAgain) == (changed.body, False)
    return changed.body.decode(), isNew


@pytest.mark.parametrize(
    ("text", "content", "before", "after"),
    [
        ("a/c", "<c>\n<!-- --></c>", "<c/>", "<c>\n<!-- --></c>"),
        ("a/b[1]", "<b/>", '<b i="1"/>', "<b/>"),
        ('a/b[@i="2"]', "<b i='2'/>", """<b i='2' k = "x">text</b>""", "<b i='2'/>"),
        ('a/b[2][@i="2"]', "<b i='2'/>", """<b i='2' k = "x">text</b>""", "<b i='2'/>"),
        ("a/*[2]", "<d/>", "<c/>", "<d/>"),
        ("a/p:b", '<p:b xmlns:p="urn:p"/>', '<p:b p:i="3" />', '<p:b xmlns:p="urn:p"/>'),
        ("a/p:b", '<b xmlns="urn:p"/>', '<p:b p:i="3" />', '<b xmlns="urn:p"/>'),
        ("a/b[1]/@i", "4", 'i="1"', 'i="4"'),
        ("a/b[2]/@i", "", "i='2'", "i=''"),
        ("a/b[2]/@i", "'", "i='2'", 'i="\'"'),
        ("a/b[2]/@k", "a > b &amp;&#10; &quot;'é", 'k = "x"', 'k = "a > b &amp;&#10; &quot;\'é"'),
        ("a/b[2]/@k", '"', 'k = "x"', "k = '\"'"),
        ("a/b[1]/@i", '" k="', 'i="1"', "i='\" k=\"'"),
        ('a/b[@k="x"]/@k', "&#120;", 'k = "x"', 'k = "&#120;"'),
        ("a/p:b/@p:i", "4", 'p:i="3"', 'p:i="4"'),
    ],
)
def test_replace(text: str, content: str, before: str, after: str) -> None:
    """All around it stays as it is (RFC 4825 §8.2.4)."""
    assert _put(text, content) == (_BODY.replace(before, after), False)


@pytest.mark.parametrize(
    ("text", "content", "around"),
    [
        # Without a position: behind the last of this name, or at the end.
        ('a/b[@i="3"]', "<b i='3'/>", "text</b>|\n"),
        ("a/d", "<d/>", "\n|</a>"),
        ('a/c[@i="1"]', '<c i="1"/>', "<c/>|\n"),
        ('a/*[@i="9"]', '<c i="9"/>', "<c/>|\n"),
        ('a/*[@i="9"]', '<p:c i="9"/>', "\n|</a>"),
        ('a/p:b[@i="1"]', '<p:b i="1"></p:b>', '<p:b p:i="3" />|\n'),
        # With one: there, in front of what is there now.
        ("a/b[3]", "<b/>", "text</b>|\n"),
        ("a/d[1]", "<d/>", "\n|</a>"),
        ("a/*[5]", "<d/>", '<p:b p:i="3" />|\n'),
        ('a/b[1][@i="0"]', '<b i="0"/>', '\n  |<b i="1"/>'),
        ('a/b[2][@i="0"]', '<b i="0"/>', '<b i="1"/>| <!-- one -->'),
        ('a/*[2][@i="0"]', '<c i="0"/>', '<b i="1"/>| <!-- one -->'),
        ('a/*[4][@i="0"]', '<b i="0"/>', "text</b>|\n"),
        # Into what has no content yet.
        ("a/b[2]/c", "<c/>", "text|</b>"),
        ("a/b[2]/*", "<c/>", "text|</b>"),
        # Attributes: behind the others.
        ("a/b[1]/@k", "1", '<b i="1"| k="|"|/>'),
        ("a/b[1]/@k", '"', "<b i=\"1\"| k='|'|/>"),
        ("a/c/@i", "1", '<c| i="|"|/>'),
        ("a/p:b/@i", "1", '<p:b p:i="3"| i="|"| />'),
        ("a/b[1]/@p:i", "1", '<b i="1"| p:i="|"|/>'),
        ("a/b[1]/@xml:lang", "de", '<b i="1"| xml:lang="|"|/>'),
    ],
)
def test_create(text: str, content: str, around: str) -> None:
    """RFC 4825 §8.2.3"""
    before, *quoted, after = around.split("|")
    assert _BODY.count(before + after) == 1
    added = content.join(quoted) if quoted else content
    assert _put(text, content) == (_BODY.replace(before + after, before + added + after), True)


@pytest.mark.parametrize(
    ("text", "content", "before", "after"),
    [
        ("a/c/d", "<d/>", "<c/>", "<c><d/></c>"),
        ("a/c/*[1]", "<d/>", "<c/>", "<c><d/></c>"),
        ("a/p:b/c", "<c/>", '<p:b p:i="3" />', '<p:b p:i="3" ><c/></p:b>'),
    ],
)
def test_createInEmptyTag(text: str, content: str, before: str, after: str) -> None:
    assert _put(text, content) == (_BODY.replace(before, after), True)


def test_replaceRoot() -> None:
    """What is around it is not part of it."""
    body, isNew = _put("a", '<a xmlns="urn:d"/>')
    assert body == '<?xml version="1.0"?>\n<!-- é -->\n<a xmlns="urn:d"/>\n'
    assert not isNew


def test_whiteSpaceAroundAnElement() -> None:
    changed, _ = edit.put(_DOCUMENT, selector("a/c"), b"\r\n <c>1</c>\t\n")
    assert changed.body.decode() == _BODY.replace("<c/>", "<c>1</c>")


def test_whiteSpaceInAnAttribute() -> None:
    assert _put("a/b[1]/@i", " 1\n")[0] == _BODY.replace('i="1"', 'i=" 1\n"')


@pytest.mark.parametrize(
    ("text", "ancestor"),
    [
        ("a/d/e", "a"),
        ("a/d/@i", "a"),
        ("a/b[2]/c/d/@e", "a/b%5B2%5D"),
        ("a/b/c", "a"),
        ("b/c", ""),
        ("b/@i", ""),
    ],
)
def test_noParent(text: str, ancestor: str) -> None:
    """With the closest ancestor that is there (RFC 4825 §8.2.1)."""
    with pytest.raises(NoParent) as caught:
        edit.put(_DOCUMENT, selector(text, ""), b"<e/>")
    assert caught.value.ancestor == ancestor


def test_noParentByItsPrefix() -> None:
    with pytest.raises(NoParent) as caught:
        edit.put(_DOCUMENT, selector("a/p:b/c/d", "xmlns(p=urn:p)"), b"<d/>")
    assert caught.value.ancestor == "a/p:b?xmlns(p=urn:p)"


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "text",
        "<c>",
        "</c>",
        "<c/",
        "<c/><c/>",
        "<c/>text",
        "text<c/>",
        "<!-- --><c/>",
        "<c/><!-- -->",
        "<?x?><c/>",
        "<?xml version='1.0'?><c/>",
        "\ufeff<c/>",
        "<!DOCTYPE c><c/>",
        "<![CDATA[<c/>]]>",
        "<!-- <c/>",
        "<c></a><a></c>",
        "<c></d>",
        "<c>&e;</c>",
        "<c>\0</c>",
        "<c>\x1f</c>",
        "<c i='1' i='2'/>",
        "<c i=1/>",
        "<q:c/>",
        "<c q:i=''/>",
        "</a><a>",
        "<c/></a><a>",
        "<c></c></a><a xmlns='urn:d'><c></c>",
        "--><c/><!--",
    ],
)
@pytest.mark.parametrize("text", ["a", "a/c", "a/d", "a/*[2]", 'a/c[1][@i="1"]', "a/c/d"])
def test_notXMLFragment(text: str, content: str) -> None:
    """RFC 4825 §8.2.2"""
    with pytest.raises(NotXMLFragment):
        edit.put(_DOCUMENT, selector(text), content.encode())


@pytest.mark.parametrize("content", [b"<c>\xff</c>", b"\xff\xfe<\0c\0/\0>\0", b"\xe9"])
@pytest.mark.parametrize("text", ["a/c", "a/d", "a/c/@i"])
def test_notUTF8(text: str, content: bytes) -> None:
    with pytest.raises(NotUTF8):
        edit.put(_DOCUMENT, selector(text), content)


@pytest.mark.parametrize(
    "content",
    ["<", "&", "&b;", "&#0;", "\0", "\"'", "a<b", "\"/><d i='", "\x01", "\ufffe"],
)
@pytest.mark.parametrize("text", ["a/b[1]/@i", "a/b[2]/@i", "a/b[1]/@k", "a/c/@i", "a/@p:i"])
def test_notXMLAttributeValue(text: str, content: str) -> None:
    """RFC 4825 §8.2.2"""
    with pytest.raises(NotXMLAttributeValue):
        edit.put(_DOCUMENT, selector(text), content.encode())


@pytest.mark.parametrize(
    ("text", "content"),
    [
        # Another name, namespace or attribute.
        ("a/c", "<d/>"),
        ("a/c", "<p:c/>"),
        ("a/c", "<c xmlns='urn:e'/>"),
        ("a/d", "<c/>"),
        ("a/d", "<b/>"),
        ("a/q:b", "<p:b/>"),
        ('a/b[@i="3"]', "<b/>"),
        ('a/b[@i="3"]', "<b i='1'/>"),
        ('a/b[@i="1"]', "<b i='3'/>"),
        ('a/b[1][@i="1"]', "<b i='3'/>"),
        ('a/b[@i="1"]', "<b i='2'/>"),
        ('a/p:b[@p:i="3"]', "<p:b i='3'/>"),
        ("a", "<b/>"),
        ("a", "<a/>"),
        # There would be several.
        ("a/b", "<b/>"),
        ("a/*", "<b/>"),
        # There are too few before it.
        ("a/b[0]", "<b/>"),
        ("a/b[4]", "<b/>"),
        ("a/d[2]", "<d/>"),
        ('a/b[9][@i="1"]', "<b i='1'/>"),
        ("a/b[99999999999999999999]", "<b/>"),
        # There can be only one root.
        ("b", "<b xmlns='urn:d'/>"),
        ("a[2]", "<a xmlns='urn:d'/>"),
        # The attribute is what the element is found by.
        ('a/b[@i="1"]/@i', "3"),
        ('a/b[1][@i="1"]/@i', "3"),
        # There is no prefix for it, or it is no attribute.
        ("a/c/@q:i", "1"),
        ("a/c/@xmlns", "urn:d"),
        ("a/@xmlns", "urn:d"),
    ],
)
def test_cannotInsert(text: str, content: str) -> None:
    """GET would not answer it (RFC 4825 §8.2.3, §8.2.4)."""
    with pytest.raises(CannotInsert):
        edit.put(_DOCUMENT, selector(text), content.encode())


def test_theDefaultNamespaceIsNoneForAttributes() -> None:
    document = Document(b"<a xmlns='urn:q'/>")
    with pytest.raises(CannotInsert):
        edit.put(document, selector("a/@q:i", namespace="urn:q"), b"1")


def test_tooDeep() -> None:
    with pytest.raises(ConstraintFailure):
        edit.put(_DOCUMENT, selector("a/c"), b"<c>" * DEPTH + b"</c>" * DEPTH)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("a/c", "<c/>", ""),
        ('a/b[@i="1"]', '<b i="1"/>', ""),
        ("a/b[2]", """<b i='2' k = "x">text</b>""", ""),
        ("a/p:b", '<p:b p:i="3" />', ""),
        ("a/*[4]", '<p:b p:i="3" />', ""),
        ('a/*[1][@i="1"]', '<b i="1"/>', ""),
        ("a/b[1]/@i", ' i="1"', ""),
        ('a/b[@i="1"]/@i', ' i="1"', ""),
        ("a/b[2]/@i", " i='2'", ""),
        ("a/b[2]/@k", ' k = "x"', ""),
        ("a/p:b/@p:i", ' p:i="3"', ""),
    ],
)
def test_delete(text: str, before: str, after: str) -> None:
    node = selector(text)
    changed = edit.delete(_DOCUMENT, node)
    assert changed.body.decode() == _BODY.replace(before, after)
    with pytest.raises(NotFound):
        edit.get(changed, node)


@pytest.mark.parametrize("text", ["a/b[1]", "a/*[1]", "a/*[3]", "a"])
def test_cannotDelete(text: str) -> None:
    """Another one would take its place (RFC 4825 §8.3), or there would be no document."""
    with pytest.raises(CannotDelete):
        edit.delete(_DOCUMENT, selector(text))


@pytest.mark.parametrize(
    "text", ["b", "a/d", "a/b", "a/b[3]", "a/c/@i", "a/d/@i", "a/d/namespace::*", "a/q:b"]
)
def test_notFound(text: str) -> None:
    for method in edit.get, edit.delete:
        with pytest.raises(NotFound):
            method(_DOCUMENT, selector(text))


def test_bindingsAreOnlyRead() -> None:
    """RFC 4825 §7.10"""
    node = selector("a/c/namespace::*")
    assert edit.get(_DOCUMENT, node) == b'<c xmlns="urn:d" xmlns:p="urn:p"/>'
    with pytest.raises(NoSuchMethod) as caught:
        edit.put(_DOCUMENT, node, b"<c/>")
    assert caught.value.allow == ("GET", "HEAD", "OPTIONS")
    with pytest.raises(NoSuchMethod):
        edit.delete(_DOCUMENT, node)


def test_friends() -> None:
    """A list grows and shrinks, and ends as it began, byte for byte."""
    namespace = "urn:ietf:params:xml:ns:resource-lists"
    body = f"""<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="{namespace}">
  <list name="friends">
  </list>
</resource-lists>
""".encode()
    entry = b"""<entry uri="sip:bob@example.com">
  <display-name>Bob Jones</display-name>
</entry>"""
    parent = 'resource-lists/list[@name="friends"]'
    first = selector(f"{parent}/entry", "", namespace)
    byName = selector(f'{parent}/entry[@uri="sip:bob@example.com"]', "", namespace)
    document, isNew = edit.put(Document(body), first, entry)
    assert isNew
    assert document.body == body.replace(b"  </list>", b"  " + entry + b"</list>")
    assert edit.get(document, byName) == entry
    name = selector(f"{parent}/entry/display-name", "", namespace)
    document, isNew = edit.put(document, name, b"<display-name>Bob</display-name>")
    assert not isNew
    assert edit.delete(document, byName).body == body


@given(documents(), selectors(), st.one_of(elements(), st.sampled_from(['"', "'", "1", "&lt;"])))
def test_whatIsPutIsThere(body: bytes, node: NodeSelector, content: str) -> None:
    """GET(PUT(x)) = x, and PUT(PUT(x)) = PUT(x). What is not where it is stays."""
    document = Document(body)
    with suppress(Conflict):
        changed, isNew = edit.put(document, node, content.encode())
        assert isNew == (document.find(node) is None)
        assert edit.get(changed, node) == content.encode()
        assert edit.put(changed, node, content.encode())[0].body == changed.body
        if isNew and node.terminal is not None:
            assert edit.delete(changed, node).body == body


@given(documents(), selectors())
def test_whatIsDeletedIsNotThere(body: bytes, node: NodeSelector) -> None:
    """GET(DELETE(x)) is nothing; what was there can be put again if it says what it is found by."""
    document = Document(body)
    with suppress(NotFound, CannotDelete):
        there = edit.get(document, node)
        changed = edit.delete(document, node)
        assert changed.find(node) is None
        assert len(changed.body) <= len(body) - len(there)
        with suppress(Conflict):
            assert edit.get(edit.put(changed, node, there)[0], node) == there


@given(documents(), selectors())
def test_whatIsThereCanBePut(body: bytes, node: NodeSelector) -> None:
    """It changes nothing."""
    document = Document(body)
    with suppress(NotFound):
        there = edit.get(document, node)
        changed, isNew = edit.put(document, node, there)
        assert (changed.body, isNew) == (body, False)


_PIECES = st.lists(
    st.sampled_from(
        ["<a>", "</a>", "<b/>", "<p:a>", "</p:a>", "text", "<!--", "-->", "<![CDATA[", "]]>", "&",
         "<?x", "?>", '"', "'", "<!DOCTYPE a>", " xmlns='urn:e'", "<", ">", "/>", "\0", "é", " "]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@given(documents(), selectors(), _PIECES)
def test_nothingEscapes(body: bytes, node: NodeSelector, content: str) -> None:
    """Whatever is put: if it is taken, the rest of the document is what it was."""
    document = Document(body)
    with suppress(Conflict):
        changed, isNew = edit.put(document, node, content.encode())
        put = edit.get(changed, node)
        assert put == (content if node.terminal else content.strip(" \t\r\n")).encode()
        if node.terminal is None and not isNew:
            assert edit.put(changed, node, edit.get(document, node))[0].body == body


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('a/b[@i="50"]/c', b"<c>1</c>"),
        ("a/b[100]/d", b"<d/>"),
        ('a/b[@i="7"]/@k', b"1"),
        ("a/d", b"<d/>"),
        ("a/d", b"<d>" + b"<e/>" * 1000 + b"</d>"),
    ],
)
def test_linear(text: str, content: bytes) -> None:
    """A change takes time in proportion to the document, wherever in it."""
    node = selector(text, "", "")

    def document(count: int) -> Document:
        children = b"".join(b"<b i='%d'><c/></b>" % each for each in range(count))
        return Document(b"<a>" + children + b"</a>")

    small, large = document(100), document(400)
    assert callsOf(lambda: edit.put(large, node, content)) < 4.2 * callsOf(
        lambda: edit.put(small, node, content)
    )
