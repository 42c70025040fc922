"""Patches: applied to the document before, they give the one after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sipapp.storage import DocumentChange
from sipapp.xcap import edit
from sipapp.xcap.diff import patchFor, xcapDiff
from sipapp.xcap.document import Document, Element
from sipapp.xcap.names import DocumentName
from sipapp.xcap.nodeselector import NodeSelector
from sipapp.xcap.selector import parseNodeSelector
from tests.xcap.patching import applied, canonical

NAMESPACE = "urn:ietf:params:xml:ns:resource-lists"
SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("xcap-diff.xsd")))
NAME = DocumentName("resource-lists", "sip:alice@example.com", "index")

LISTS = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<!-- of alice -->
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:e="urn:example:e">
  <list name="friends" e:rank='1'>
    <entry uri="sip:bob@example.com"><display-name>Bob</display-name></entry>
    <!-- not yet -->
    <entry uri="sip:carol@example.com"/>
    <e:seen/>
  </list>
  <list name="empty"/>
  <d:list xmlns:d="urn:example:d" xmlns=""><plain d:kind="a"/></d:list>
</resource-lists>
<!-- the end -->
"""

QUERY = "xmlns(e=urn:example:e)xmlns(d=urn:example:d)"


def selected(text: str) -> NodeSelector:
    return parseNodeSelector(text, QUERY).resolved(NAMESPACE)


def changed(old: Document, node: NodeSelector, content: str | None) -> Document:
    """
    @param content: what to put; C{None} to delete.
    """
    if content is None:
        return edit.delete(old, node)
    return edit.put(old, node, content.encode())[0]


@pytest.mark.parametrize(
    ("selector", "content", "located"),
    [
        # Replaced.
        (
            "resource-lists/list[1]",
            '<list name="f&#10;&amp;"><entry uri="sip:x@y"/>\r\n</list>',
            'replace sel="*/*[1]"',
        ),
        (
            "*/list[1]/entry[2]",
            '<entry uri="b" xmlns:d="urn:other"><d:x/></entry>',
            'replace sel="*/*[1]/*[2]"',
        ),
        ("resource-lists", f'<resource-lists xmlns="{NAMESPACE}"/>', 'replace sel="*"'),
        ("*/list[1]/e:seen", "<e:seen><![CDATA[<]]></e:seen>", 'replace sel="*/*[1]/*[3]"'),
        # Added: behind others of the name, before them, at the end, into what was empty.
        ('*/list[1]/entry[@uri="x"]', '<entry uri="x"/>', 'add sel="*/*[1]/*[2]" pos="after"'),
        ('*/list[1]/entry[1][@uri="x"]', '<entry uri="x"/>', 'add sel="*/*[1]/*[1]" pos="before"'),
        ('*/list[1]/entry[2][@uri="x"]', '<entry uri="x"/>', 'add sel="*/*[1]/*[1]" pos="after"'),
        ("*/list[1]/entry-ref", '<entry-ref ref="x"/>', 'add sel="*/*[1]"'),
        ("*/list[2]/entry", '<entry uri="x"/>', 'add sel="*/*[2]"'),
        ("*/list[2]/e:seen", "<e:seen e:by='me'/>", 'add sel="*/*[2]"'),
        # Removed.
        ('*/list[1]/entry[@uri="sip:bob@example.com"]', None, 'remove sel="*/*[1]/*[1]"'),
        ("*/d:list", None, 'remove sel="*/*[3]"'),
        # Attributes.
        ("*/list[1]/@name", "friends &amp; &lt;others> &#13;&#9;'", 'replace sel="*/*[1]/@name"'),
        ("*/list[1]/@e:rank", "2", 'replace sel="*/*[1]/@e:rank"'),
        ("*/list[2]/@e:rank", "", 'add sel="*/*[2]" type="@e:rank"'),
        ("*/list[1]/entry[1]/@id", "a\n b", 'add sel="*/*[1]/*[1]" type="@id"'),
        ("*/list[2]/@name", None, 'remove sel="*/*[2]/@name"'),
        ('*/list[@name="empty"]/@name', None, 'remove sel="*/*[2]/@name"'),
        ("*/list[1]/@e:rank", None, 'remove sel="*/*[1]/@e:rank"'),
        ("*/d:list/*/@d:kind", "b", 'replace sel="*/*[3]/*[1]/@d:kind"'),
    ],
)
def test_applied(selector: str, content: str | None, located: str) -> None:
    old, node = Document(LISTS), selected(selector)
    new = changed(old, node, content)
    patch = patchFor(old, new, node)
    operation = etree.fromstring(patch)
    attributes = (f'{name}="{value}"' for name, value in operation.attrib.items())
    assert " ".join((etree.QName(operation).localname, *attributes)) == located
    assert applied(LISTS, patch) == canonical(new.body)


def test_prefixes() -> None:
    """They are declared as where the content goes, and one that the document has for something else
    is not used."""
    old, node = Document(LISTS), selected("*/d:list/d:other")
    new = changed(old, node, "<d:other><plain/></d:other>")
    patch = patchFor(old, new, node)
    assert patch == (
        '<dd:add xmlns:dd="urn:ietf:params:xml:ns:xcap-diff" xmlns:e="urn:example:e"'
        ' xmlns:d="urn:example:d" sel="*/*[3]/*[1]" pos="after">'
        "<d:other><plain/></d:other></dd:add>"
    )
    assert applied(LISTS, patch) == canonical(new.body)


def test_oneAfterTheOther() -> None:
    document, patches = Document(LISTS), []
    for selector, content in [
        ('*/list[@name="empty"]/entry', '<entry uri="x"/>'),
        ("*/list[2]/entry/@uri", "sip:dave@example.com"),
        ("*/list[2]/@name", None),
    ]:
        node = selected(selector)
        new = changed(document, node, content) if content else edit.delete(document, node)
        patches.append(patchFor(document, new, node))
        document = new
    assert applied(LISTS, *patches) == canonical(document.body)


def test_document() -> None:
    """RFC 5874 §3: a document that has been changed, one that is another one, one that is new and
    one that has gone."""
    old, node = Document(LISTS), selected("*/list[2]/entry")
    patch = patchFor(old, changed(old, node, '<entry uri="x"/>'), node)
    name = DocumentName("resource-lists", "sip:a%22&b@example.com", "index")
    other = DocumentName("resource-lists", "", "index")
    diff = xcapDiff(
        "https://xcap.example.com/xcap-root",
        [
            DocumentChange(7, name, "before", "after", patch),
            DocumentChange(8, name, "after", "last"),
            DocumentChange(9, other, None, "first"),
            DocumentChange(10, other, "first", None),
        ],
    )
    written = etree.fromstring(diff)
    SCHEMA.assertValid(written)
    assert written.get("xcap-root") == "https://xcap.example.com/xcap-root/"
    assert [dict(document.attrib) for document in written] == [
        {
            "sel": "resource-lists/users/sip:a%2522&b@example.com/index",
            "previous-etag": "before",
            "new-etag": "after",
        },
        {
            "sel": "resource-lists/users/sip:a%2522&b@example.com/index",
            "previous-etag": "after",
            "new-etag": "last",
        },
        {"sel": "resource-lists/global/index", "new-etag": "first"},
        {"sel": "resource-lists/global/index", "previous-etag": "first"},
    ]
    assert [len(document) for document in written] == [1, 0, 0, 0]


NAMES = {
    "entry": (NAMESPACE, "entry"),
    "list": (NAMESPACE, "list"),
    "e:seen": ("urn:example:e", "seen"),
    "d:list": ("urn:example:d", "list"),
}
ATTRIBUTES = {"uri": ("", "uri"), "e:rank": ("urn:example:e", "rank")}
TEXTS = st.sampled_from(
    ["", "\n  ", "a &amp; b", "<!-- c -->", "<![CDATA[<x>]]>", "<?p q?>", "\r\n"]
)
VALUES = st.sampled_from(["", "x", "y&#10;", "&lt;&amp;&gt;", "\n'", "\r"])


@st.composite
def elements(draw: st.DrawFn, depth: int = 2) -> str:
    tag = draw(st.sampled_from(sorted(NAMES)))
    attributes = draw(st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), VALUES))
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    children = draw(st.lists(elements(depth - 1), max_size=3)) if depth else []
    if not children and draw(st.booleans()):
        return f"<{tag}{written}/>"
    content = "".join(draw(TEXTS) + child for child in children) + draw(TEXTS)
    return f"<{tag}{written}>{content}</{tag}>"


def everywhere(element: Element, located: str = "*") -> Iterator[tuple[str, Element]]:
    """
    @return: each element, with what selects it.
    """
    yield located, element
    for place, child in enumerate(element.children, 1):
        yield from everywhere(child, f"{located}/*[{place}]")


def changes(root: Element) -> st.SearchStrategy[tuple[str, str | None]]:
    """
    @return: what can be put where, C{None} for what can be deleted.
    """
    every = list(everywhere(root))
    placed = [place for place, _ in every]
    additions = [
        (f'{place}/{tag}[{position}][@uri="new"]', tag)
        for place, element in every
        for tag, name in NAMES.items()
        for position in range(1, sum(child.name == name for child in element.children) + 2)
    ]
    # Of children that have no name of their own, only the last can go: others would follow.
    removals = [
        f"{place}/*[{len(element.children)}]" for place, element in every if element.children
    ]
    removals += [
        f"{place}/@{name}"
        for place, element in every
        for name, meant in ATTRIBUTES.items()
        if meant in element.attributes
    ]
    return st.one_of(
        st.tuples(st.sampled_from(placed[1:]), elements()),
        st.builds(
            lambda addition, text: (
                addition[0],
                f'<{addition[1]} uri="new">{text}</{addition[1]}>',
            ),
            st.sampled_from(additions),
            TEXTS,
        ),
        st.tuples(
            st.builds("{}/@{}".format, st.sampled_from(placed), st.sampled_from(list(ATTRIBUTES))),
            VALUES,
        ),
        st.tuples(st.sampled_from(removals), st.none()),
    )


@given(st.lists(elements(), min_size=1, max_size=3), st.data())
def test_anyChange(lists: list[str], data: st.DataObject) -> None:
    body = (
        f'<resource-lists xmlns="{NAMESPACE}" xmlns:e="urn:example:e" xmlns:d="urn:example:d">'
        f"{''.join(lists)}</resource-lists>"
    ).encode()
    old = Document(body)
    selector, content = data.draw(changes(old.root))
    node = selected(selector)
    new = changed(old, node, content)
    patch = patchFor(old, new, node)
    assert applied(body, patch) == canonical(new.body)
    diff = xcapDiff("", [DocumentChange(1, NAME, "before", "after", patch)])
    SCHEMA.assertValid(etree.fromstring(diff))
