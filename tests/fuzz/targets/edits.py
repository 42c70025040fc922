"""XCAP documents and changes to parts of them: an index says what another parser says, and a change
is what it says it is, can be undone, and leaves every byte around it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hypothesis import strategies as st
from lxml import etree

from sipapp.xcap import edit
from sipapp.xcap.document import Document, Element
from sipapp.xcap.errors import (
    BadSelector,
    CannotDelete,
    CannotInsert,
    Conflict,
    ConstraintFailure,
    NoParent,
    NoSuchMethod,
    NotFound,
    NotUTF8,
    NotWellFormed,
    NotXMLAttributeValue,
    NotXMLFragment,
    XCAPError,
)
from sipapp.xcap.nodeselector import NAMESPACE, NodeSelector
from sipapp.xcap.selector import parseNodeSelector
from tests.fuzz.mutation import SCRAPS
from tests.fuzz.target import Target

#: Of a document with many elements, how many are looked at one by one.
_LOOKED_AT = 50

_ANY = parseNodeSelector("*").steps
_UNREADABLE = (NotUTF8, NotWellFormed, ConstraintFailure)
_NOT_PUT = (
    *(NotXMLFragment, NotXMLAttributeValue, NotUTF8, NoParent, CannotInsert, ConstraintFailure),
    NoSuchMethod,
)
_NOT_DELETED = (NotFound, CannotDelete, NoSuchMethod)


def check(data: bytes) -> None:
    """A document, a selector and what to put, with a NUL between them, which none of them has."""
    body, _, rest = data.partition(b"\0")
    written, _, content = rest.partition(b"\0")
    document = index(body)
    if document is None:
        return
    checkIndex(document)
    selector = select(written, document)
    if selector is None:
        return
    checkGet(document, selector)
    checkPut(document, selector, content)
    checkDelete(document, selector)


def checkError(error: XCAPError, *kinds: type[XCAPError]) -> None:
    """It is one of these, and can be answered with."""
    assert type(error) in kinds
    assert error.detail.isprintable() or not error.detail
    if isinstance(error, Conflict):
        (element,) = etree.fromstring(error.toXML())
        assert element.get("phrase", "") == error.detail


def index(body: bytes) -> Document | None:
    """
    @return: C{None} for what is no document.
    """
    try:
        return Document(body)
    except XCAPError as error:
        checkError(error, *_UNREADABLE)
        return None


def select(written: bytes, document: Document) -> NodeSelector | None:
    """
    @return: the selector, the namespace of the root element its default; C{None} for what is none.
    """
    text, _, query = written.partition(b"?")
    try:
        return parseNodeSelector(text, query).resolved(document.root.name[0])
    except XCAPError as error:
        checkError(error, BadSelector, NotFound)
        return None


def elements(element: Element) -> Iterator[Element]:
    """
    @return: an element and all in it, in the order in which they stand in the document.
    """
    waiting = [element]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += reversed(each.children)


def checkIndex(document: Document) -> None:
    """Elements are where it says, and what another parser says."""
    body = document.body
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        theirs = list(etree.fromstring(body, parser).iter("*"))
    except etree.XMLSyntaxError:
        # It knows fewer names, and asks more of namespaces.
        theirs = []
    mine = list(elements(document.root))
    for element, other in zip(mine, theirs, strict=True) if theirs else ():
        assert other.tag == asTheirs(*element.name)
        assert dict(other.attrib) == {
            asTheirs(*name): value for name, value in element.attributes.items()
        }
    for element in mine[:_LOOKED_AT]:
        assert element.start < element.contentEnd <= element.end
        inner = [place for each in element.children for place in (each.start, each.end)]
        assert inner == sorted(inner)
        assert all(element.start < place <= element.contentEnd for place in inner)
        text = body[element.start : element.end]
        assert text.startswith(b"<")
        assert text.endswith(b"/>" if element.isEmptyTag else b">")
        assert element.isEmptyTag or body.startswith(b"</", element.contentEnd)


def asTheirs(namespace: str, local: str) -> str:
    """
    @return: a name as lxml writes it.
    """
    return f"{{{namespace}}}{local}" if namespace else local


def found(document: Document, selector: NodeSelector) -> bytes | None:
    """
    @return: what GET answers; C{None} for C{404}.
    """
    try:
        return edit.get(document, selector)
    except XCAPError as error:
        checkError(error, NotFound)
        return None


def checkGet(document: Document, selector: NodeSelector) -> None:
    content = found(document, selector)
    assert (content is None) == (document.find(selector) is None)
    if selector.terminal is NAMESPACE and content is not None:
        alone = Document(content)
        assert alone.root.name == document.path(selector.steps)[-1].name
        assert alone.root.isEmptyTag
        bindings = alone.find(NodeSelector(_ANY, NAMESPACE))
        assert bindings == document.find(selector)


def checkPut(document: Document, selector: NodeSelector, content: bytes) -> None:
    before = found(document, selector)
    try:
        changed, isNew = edit.put(document, selector, content)
    except XCAPError as error:
        checkError(error, *_NOT_PUT)
        if isinstance(error, NoParent):
            checkAncestor(document, selector, error.ancestor)
        return
    checkIndex(changed)
    assert isNew == (before is None)
    after = found(changed, selector)
    assert after == (content.strip(b" \t\r\n") if selector.terminal is None else content)
    again, isNewAgain = edit.put(changed, selector, content)
    assert not isNewAgain
    assert again.body == changed.body
    if before is not None:
        checkReplaced(document, changed, edit.put(changed, selector, before)[0])
        return
    undone = edit.delete(changed, selector).body
    if undone != document.body:
        # There was nothing in the parent, and it was one tag.
        checkOpened(document.body, undone)


def checkReplaced(document: Document, changed: Document, restored: Document) -> None:
    """To put the old one again undoes a change; the value of an attribute may be in other quotes
    then."""
    differ = [
        place
        for place, (one, other) in enumerate(zip(document.body, restored.body, strict=True))
        if one != other
    ]
    assert len(differ) in (0, 2)
    assert all(document.body[place] in b"\"'" for place in differ)


def checkOpened(old: bytes, new: bytes) -> None:
    """The documents differ in C{<a/>} and C{<a></a>}."""
    same = next(place for place, byte in enumerate(old) if new[place] != byte)
    assert old.startswith(b"/>", same)
    assert new.startswith(b"></", same)
    assert new[new.index(b">", same + 1) + 1 :] == old[same + 2 :]


def checkAncestor(document: Document, selector: NodeSelector, ancestor: str | None) -> None:
    """It is there, and above what was to be put."""
    assert ancestor is not None
    if not ancestor:
        return
    closest = select(ancestor.encode(), document)
    assert closest is not None
    assert found(document, closest) is not None
    count = len(closest.steps)
    assert selector.upTo(count) == closest
    below = selector.upTo(count + 1)
    assert below == closest or found(document, below) is None


def checkDelete(document: Document, selector: NodeSelector) -> None:
    before = found(document, selector)
    try:
        changed = edit.delete(document, selector)
    except XCAPError as error:
        checkError(error, *_NOT_DELETED)
        assert (before is None) == isinstance(error, NotFound)
        return
    checkIndex(changed)
    assert before is not None
    assert found(changed, selector) is None
    target = document.find(selector)
    if isinstance(target, Element):
        assert changed.body == document.body[: target.start] + document.body[target.end :]
    else:
        assert len(changed.body) < len(document.body)


_LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:x='urn:x'>
  <!-- <list name="l0"/> -->
  <list name="l1"><entry uri="sip:a@b" x:y = 'z' /><entry uri="sip:c@d"/><x:y/>
    <display-name xml:lang="en">a &gt; b</display-name></list>
  <list name="l2"/><list/><![CDATA[<list>]]><?list name?>
</resource-lists>
"""

_SEEDS = (
    b"\0".join([_LIST, b"resource-lists/list%5b@name=%22l1%22%5d/entry%5b1%5d", b"<entry/>"]),
    b"\0".join([_LIST, b"resource-lists/list[@name='l1']/entry[3]", b'<entry uri="sip:e@f"/>']),
    b"\0".join([_LIST, b"resource-lists/list[@name='l2']/entry", b"<entry/>"]),
    b"\0".join([_LIST, b"resource-lists/list[3]/@name", b"l3"]),
    b"\0".join([_LIST, b"resource-lists/list[1]/entry[1]/@a:y?xmlns(a=urn:x)", b"&lt;'"]),
    b"\0".join([_LIST, b"resource-lists/list[1]/p:y?xmlns(p=urn:x)", b"<x:y><a/>text</x:y>"]),
    b"\0".join([_LIST, b"resource-lists/*[3]/*/namespace::*", b""]),
    b"\0".join([_LIST, b"resource-lists/list[4][@name='l4']", b' <list name="l4"> </list>\n']),
    b"\0".join([b"<a/>", b"a/b", b"<b/></a><a>"]),
    b"\0".join([b"\xef\xbb\xbf<a>\r\n</a>", b"a/b[@c='d']", b"<b c='d'><!-- --></b>"]),
    b"\0".join([b"<a><b/></a>", b"a/b/c/d", b"<d/>"]),
    b"\0".join([b"<a b='1'>/></a>", b"a/@b", b'"']),
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>\0a\0<a/>",
)

_names = st.sampled_from(["a", "a", "b", "p:a", "é"])
_values = st.sampled_from(["", "1", "2", "&quot;", "&lt;a/>", "/>", ">", "'", "\t", "é"])
_texts = st.sampled_from(
    ["", "", " ", "\r\n", "/>", "text &amp; ]", "<!-- <a/> -->", "<![CDATA[</a>]]>", "<?a b?>"]
)
_attributes = st.one_of(
    st.just(""),
    st.builds(' {}="{}"'.format, st.sampled_from(["b", "c", "p:b", "xml:lang"]), _values),
    st.sampled_from(
        [" b = '\"'\n", " xmlns=''", " xmlns='urn:a'", " xmlns:q='urn:p'", " xmlns:p='c'"]
    ),
)


def _element(content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("<{0}{1}>{2}</{0}>".format, _names, _attributes, content)


_elements = st.recursive(
    st.builds("<{}{}/>".format, _names, _attributes),
    lambda inner: _element(st.lists(st.one_of(inner, _texts), max_size=5).map("".join)),
    max_leaves=8,
)
_documents = st.builds(
    "{}<a{} xmlns:p='urn:p'>{}</a>{}".format,
    st.sampled_from(["", "", '<?xml version="1.0"?>', "\ufeff", "<!-- -->\n"]),
    st.sampled_from(["", " xmlns='urn:a'"]),
    st.lists(st.one_of(_elements, _texts), max_size=6).map("".join),
    st.sampled_from(["", "\n", "<!-- -->", "<a/>", "x"]),
)
_steps = st.builds(
    "{}{}{}".format,
    st.sampled_from(["a", "a", "b", "*", "p:a", "é"]),
    st.sampled_from(["", "[1]", "[2]", "[3]"]),
    st.sampled_from(["", "", "[@b='1']", "[@b='']", "[@p:b='1']"]),
)
_selectors = st.builds(
    "a/{}{}?xmlns(p=urn:p)".format,
    st.lists(_steps, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "/@b", "/@p:b", "/namespace::*"]),
)
_contents = st.one_of(_elements, _values, _texts, st.builds("{}{}".format, _elements, _elements))


def mutate(data: bytes, random: Random) -> bytes:
    """Change a piece of the document, of the selector, or of what is put; or take one from
    another input."""
    parts = [*data.split(b"\0", 2), b"", b""][:3]
    place = random.randrange(3)
    piece = parts[place]
    at = random.randint(0, len(piece))
    change = random.randrange(6)
    if change == 0:
        parts[place] = piece[:at] + random.choice(SCRAPS) + piece[at + random.randint(0, 2) :]
    elif change == 1:
        parts[place] = random.choice(_SEEDS).split(b"\0", 2)[place]
    elif change == 2:
        end = at + random.randint(1, 20)
        parts[place] = piece[:at] + piece[at:end] * random.choice((0, 2, 100)) + piece[end:]
    elif change == 3:
        words = (b"<a>", b"</a>", b"<b/>", b"/>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b" c='d'")
        parts[place] = piece[:at] + random.choice(words) + piece[at:]
    elif change == 4:
        words = (b"/a", b"/*", b"[1]", b"[2]", b"[@b='1']", b"/@b", b"/namespace::*", b"p:")
        parts[1] = parts[1] + random.choice(words)
    else:
        changed = bytearray(piece or b"x")
        changed[random.randrange(len(changed))] = random.randrange(256)
        parts[place] = bytes(changed)
    return b"\0".join(parts)


TARGET = Target(
    what="an index says what another parser says, and a change leaves every byte around it",
    check=check,
    seeds=_SEEDS,
    inputs=st.builds("{}\0{}\0{}".format, _documents, _selectors, _contents).map(str.encode),
    mutate=mutate,
)
