"""XCAP application usages: a document of any kind is refused in words, or is one of theirs; what is
not unique by them is in it, and what they say of it is XML."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from hypothesis import strategies as st
from lxml import etree

from sipapp.interfaces import IApplicationUsage
from sipapp.xcap.document import Document
from sipapp.xcap.errors import (
    Conflict,
    ConstraintFailure,
    NotWellFormed,
    SchemaValidationError,
    UniquenessFailure,
    XCAPError,
)
from sipapp.xcap.names import DocumentName
from sipapp.xcap.registry import applicationUsages
from sipapp.xcap.selector import parseNodeSelector
from tests.fuzz.target import Target

_ALICE = "sip:alice@example.com"
_PATHS = ("index", "oma_status-icon/a")
_USAGES = tuple(applicationUsages().values())
_INVALID = (NotWellFormed, SchemaValidationError, UniquenessFailure, ConstraintFailure)

_LISTS = "urn:ietf:params:xml:ns:resource-lists"
_SERVICES = "urn:ietf:params:xml:ns:rls-services"
_POLICY = "urn:ietf:params:xml:ns:common-policy"
_PIDF = "urn:ietf:params:xml:ns:pidf"
_CONTENT = "urn:oma:xml:prs:pres-content"
_CAPS = "urn:ietf:params:xml:ns:xcap-caps"


def check(data: bytes) -> None:
    try:
        document = Document(data)
    except XCAPError:
        # What is no document is for another target.
        return
    for usage in _USAGES:
        for path in _PATHS:
            name = DocumentName(usage.auid, _ALICE, path)
            if usage.accepts(name):
                checkDocument(usage, document, name)


def checkDocument(usage: IApplicationUsage, document: Document, name: DocumentName) -> None:
    try:
        usage.validate(document, name)
        # This may refuse it as well: of namespaces libxml2 asks more where it does not validate.
        claims = usage.claims(document, name)
    except XCAPError as error:
        assert type(error) in _INVALID
        checkError(usage, document, error)
        return
    for claim in claims:
        checkError(usage, document, usage.claimTaken(claim, document, name))


def checkError(usage: IApplicationUsage, document: Document, error: XCAPError) -> None:
    """It can be answered with, and names what is there."""
    assert isinstance(error, Conflict)
    assert error.detail
    etree.fromstring(error.toXML())
    if not isinstance(error, UniquenessFailure):
        return
    assert error.fields
    for field, alternatives in error.fields:
        text, _, query = field.partition("?")
        selector = parseNodeSelector(text, query).resolved(usage.namespace)
        assert document.find(selector) is not None
        assert len(set(alternatives)) == len(alternatives)


_SEEDS = tuple(
    text.encode()
    for text in (
        f'<resource-lists xmlns="{_LISTS}"><list name="a"><entry uri="sip:a@b"><display-name'
        ' xml:lang="en">A</display-name></entry><list name="a"><entry uri="sip:a@b"/></list>'
        '<entry-ref ref="resource-lists/users/joe/index/~~/resource-lists/list/entry"/>'
        '<external anchor="http://example.com/"/></list><list name="b"/></resource-lists>',
        f'<r:rls-services xmlns:r="{_SERVICES}" xmlns="{_LISTS}"><r:service uri="sip:a@b"><r:list'
        ' name="a"><entry uri="sip:a@b"/></r:list><r:packages><r:package>presence</r:package>'
        '</r:packages></r:service><r:service uri="sip:c@d"><r:resource-list>http://example.com/'
        "resource-lists/users/sip:alice@example.com/index/~~/resource-lists/list"
        "</r:resource-list></r:service></r:rls-services>",
        f'<ruleset xmlns="{_POLICY}" xmlns:p="urn:ietf:params:xml:ns:pres-rules"><rule id="a">'
        '<conditions><identity><one id="sip:a@b"/><many domain="b"><except id="sip:c@b"/></many>'
        "</identity></conditions><actions><p:sub-handling>allow</p:sub-handling></actions>"
        "<transformations><p:provide-activities>true</p:provide-activities></transformations>"
        '</rule><rule id="b"><conditions/></rule></ruleset>',
        f'<presence xmlns="{_PIDF}" entity="pres:a@b"><tuple id="a"><status><basic>open</basic>'
        '</status><contact priority="0.8">im:a@b</contact></tuple><note xml:lang="en">x</note>'
        '<d:person xmlns:d="urn:ietf:params:xml:ns:pidf:data-model" id="b"/></presence>',
        f'<content xmlns="{_CONTENT}"><mime-type>image/png</mime-type><encoding>base64</encoding>'
        "<data>aWNvbg==</data></content>",
        f'<xcap-caps xmlns="{_CAPS}"><auids><auid>a</auid></auids><extensions/><namespaces>'
        "<namespace>urn:a</namespace></namespaces></xcap-caps>",
    )
)

_WORDS = tuple(
    word.encode()
    for word in (
        *('<list name="a">', "</list>", '<entry uri="sip:a@b"/>', '<entry-ref ref="a/b"/>', "<x/>"),
        *(
            ' name="a"',
            ' uri="SIP:a@B"',
            ' id="a"',
            ' xmlns="urn:a"',
            ' xmlns=""',
            " x='y'",
            "&lt;",
        ),
        *('<rule id="a"/>', '<external anchor="http://a/b"/>', '<tuple id="a"><status/></tuple>'),
        *("<!-- -->", "<?a b?>", "<![CDATA[", "]]>", " ", "é", "%", "http://[", "sip:", "\t", "="),
    )
)


def mutate(data: bytes, random: Random) -> bytes:
    """Repeat, remove or move what stands between two tags; or add a word, or change a byte."""
    places = [place for place, byte in enumerate(data) if byte in b"<>\"'"] or [0]
    start, end = sorted(random.choices(places, k=2))
    at = random.choice(places)
    change = random.randrange(5)
    if change == 0:
        return data[:start] + data[start:end] * random.choice((0, 2, 3, 50)) + data[end:]
    if change == 1:
        return data[:at] + data[start:end] + data[at:]
    if change == 2:
        return data[:at] + random.choice(_WORDS) + data[at:]
    if change == 3:
        return data[: at + 1] + random.choice(_WORDS) + data[end:]
    changed = bytearray(data or b"x")
    changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


_uris = st.sampled_from(
    ["sip:a@b", "SIP:a@B", " sip:a@b", "sip:%61@b;x=y", "tel:1", "a", "", "http://[", "sip:a@b@c"]
)
_names = st.sampled_from(["a", "a", "b", "", " a", "é", "&quot;", "a-2"])
_paths = st.sampled_from(
    [
        *("resource-lists/users/alice/index", "http://b/resource-lists/users/alice/index/~~/a"),
        *("http://[/resource-lists/users/alice/index", "//a", "a?b", "http:", "%", "a b"),
        "http://[x]/resource-lists/users/alice/index/~~/a",
    ]
)
_Text = st.SearchStrategy[str]


def _several(one: _Text) -> _Text:
    return st.lists(one, max_size=4).map("".join)


def _of(*kinds: tuple[str, _Text]) -> _Text:
    return st.one_of([value.map(form.format) for form, value in kinds])


_inLists = _of(
    ('<entry uri="{}"/>', _uris),
    ('<entry uri="{}"><display-name>x</display-name></entry>', _uris),
    ('<entry-ref ref="{}"/>', _paths),
    ('<external anchor="{}"/>', _paths),
    ("{}", st.sampled_from(["<external/>", '<x xmlns="urn:x"/>', "<!-- -->", "text"])),
    ('<x xmlns="urn:ietf:params:xml:ns:pidf" uri="{}"/>', _uris),
)
_lists = st.recursive(
    st.builds('<list name="{}">{}</list>'.format, _names, _several(_inLists)),
    lambda inner: st.builds(
        '<list name="{}">{}{}</list>'.format, _names, _several(_inLists), _several(inner)
    ),
    max_leaves=5,
)
_services = st.builds(
    '<r:service uri="{}">{}{}</r:service>'.format,
    _uris,
    _of(
        ("<r:resource-list>{}</r:resource-list>", _paths),
        ("<r:list>{}</r:list>", _several(_inLists)),
    ),
    st.sampled_from(["", "<r:packages/>", "<r:packages><r:package>a</r:package></r:packages>"]),
)
_ids = _of(
    ('<rule id="{}"/>', _names),
    ('<rule id="{}"><conditions><sphere value="x"/></conditions></rule>', _names),
)
_tuples = _of(
    ('<tuple id="{}"><status/></tuple>', _names),
    ('<x xmlns="urn:x" id="{}"/>', _names),
    ('<d:device id="{}"><d:deviceID>a</d:deviceID></d:device>', _names),
)
_icons = st.builds(
    "<mime-type>{}</mime-type><encoding>{}</encoding><data>{}</data>".format,
    st.sampled_from(["image/png", "text/html", "", "image/"]),
    st.sampled_from(["base64", "hex", "BASE64 "]),
    st.sampled_from(["", "aWNvbg==", "a", " aW Nv\n", "é"]),
)


def _around(root: str, declared: str) -> Callable[[str], str]:
    return lambda content: f"<{root} {declared}>{content}</{root.partition(' ')[0]}>"


_DATA_MODEL = 'xmlns:d="urn:ietf:params:xml:ns:pidf:data-model"'
_documents = st.one_of(
    _several(_lists).map(_around("resource-lists", f'xmlns="{_LISTS}"')),
    _several(_services).map(_around("r:rls-services", f'xmlns:r="{_SERVICES}" xmlns="{_LISTS}"')),
    _several(_ids).map(_around("ruleset", f'xmlns="{_POLICY}"')),
    _several(_tuples).map(_around("presence", f'xmlns="{_PIDF}" entity="a:b" {_DATA_MODEL}')),
    _icons.map(_around("content", f'xmlns="{_CONTENT}"')),
)

TARGET = Target(
    what="a document is one of a usage or refused in words, and what is not unique is pointed to",
    check=check,
    seeds=_SEEDS,
    inputs=_documents.map(str.encode),
    mutate=mutate,
)
