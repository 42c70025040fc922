"""What an XCAP request did wrong, told as RFC 4825 §11 wants: every document is valid by the
published schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

import sipapp.xcap
from sipapp.xcap import errors
from sipapp.xcap.errors import (
    CannotDelete,
    CannotInsert,
    Conflict,
    ConstraintFailure,
    Extension,
    NoParent,
    NoSuchMethod,
    NotUTF8,
    NotWellFormed,
    NotXMLAttributeValue,
    NotXMLFragment,
    SchemaValidationError,
    UniquenessFailure,
    XCAPError,
)

_SCHEMA = Path(sipapp.xcap.__file__).parent / "schemas" / "xcap-error.xsd"
_NS = "{urn:ietf:params:xml:ns:xcap-error}"


def written(error: Conflict) -> etree._Element:
    """
    @return: the error element of the document, which is valid.
    """
    root = etree.fromstring(error.toXML())
    etree.XMLSchema(etree.parse(_SCHEMA)).assertValid(root)
    assert root.tag == f"{_NS}xcap-error"
    (element,) = root
    return element


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (NotWellFormed("line 3"), "not-well-formed"),
        (NotXMLFragment("two elements"), "not-xml-frag"),
        (NoParent(None, "no such list"), "no-parent"),
        (SchemaValidationError("line 4: no name"), "schema-validation-error"),
        (NotXMLAttributeValue("there is a <"), "not-xml-att-value"),
        (CannotInsert("another name"), "cannot-insert"),
        (CannotDelete("the next one"), "cannot-delete"),
        (UniquenessFailure([("a/@b", [])], "twice"), "uniqueness-failure"),
        (ConstraintFailure("a reference to nothing"), "constraint-failure"),
        (NotUTF8("Latin 1"), "not-utf-8"),
    ],
)
def test_phrases(error: Conflict, name: str) -> None:
    assert error.status == 409
    element = written(error)
    assert element.tag == f"{_NS}{name}"
    assert element.get("phrase") == error.detail
    assert str(error) == f"409 {type(error).__name__}: {error.detail}"


def test_withoutPhrase() -> None:
    assert dict(written(NotUTF8()).attrib) == {}


def test_ancestor() -> None:
    error = NoParent("resource-lists/list%5B1%5D?xmlns(a=urn:a)", "too deep")
    whole = error.below("https://xcap.example.com/xcap-root/resource-lists/users/sip:a@b/index")
    (ancestor,) = written(whole)
    assert ancestor.tag == f"{_NS}ancestor"
    assert ancestor.text == (
        "https://xcap.example.com/xcap-root/resource-lists/users/sip:a@b/index"
        "/~~/resource-lists/list%5B1%5D?xmlns(a=urn:a)"
    )
    assert whole.detail == "too deep"


def test_documentAsAncestor() -> None:
    (ancestor,) = written(NoParent("").below("http://example.com/index"))
    assert ancestor.text == "http://example.com/index"


def test_alternatives() -> None:
    error = UniquenessFailure(
        [("rls-services/service%5B2%5D/@uri", ["sip:a@b", "sip:<c>@b"]), ("a/b", ())]
    )
    first, second = written(error)
    assert first.get("field") == "rls-services/service%5B2%5D/@uri"
    assert [each.tag for each in first] == [f"{_NS}alt-value"] * 2
    assert [each.text for each in first] == ["sip:a@b", "sip:<c>@b"]
    assert second.get("field") == "a/b"
    assert len(second) == 0


def test_extension() -> None:
    element = written(Extension('<too-many xmlns="urn:example:quota" allowed="3"/>'))
    assert element.tag == f"{_NS}extension"
    (own,) = element
    assert own.tag == "{urn:example:quota}too-many"
    assert own.get("allowed") == "3"


@pytest.mark.parametrize(
    "text",
    [
        '"',
        "'",
        "\"'",
        "<!DOCTYPE a>",
        "&amp;",
        "]]>",
        "\0\x1b\ud800\ufffe",
        "a\r\nb\tc",
        "é\U0001f600",
    ],
)
def test_anyText(text: str) -> None:
    """What a request said may be in a phrase, and does not make another document of it."""
    clean = text.translate({0: "\ufffd", 0x1B: "\ufffd", 0xD800: "\ufffd", 0xFFFE: "\ufffd"})
    assert written(ConstraintFailure(text)).get("phrase") == clean
    error = UniquenessFailure([(text, [text])])
    ((alternative,),) = written(error)
    assert alternative.getparent().get("field") == clean
    # A parser reads CR and LF as one line break.
    assert alternative.text == clean.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("BadSelector", 400),
        ("NotAllowed", 403),
        ("NotFound", 404),
        ("TooLarge", 413),
        ("URITooLong", 414),
        ("UnsupportedType", 415),
    ],
)
def test_statuses(name: str, status: int) -> None:
    error = getattr(errors, name)("why")
    assert isinstance(error, XCAPError)
    assert not isinstance(error, Conflict)
    assert (error.status, error.detail) == (status, "why")


def test_noSuchMethod() -> None:
    error = NoSuchMethod(["GET", "HEAD"])
    assert (error.status, error.allow) == (405, ("GET", "HEAD"))
