"""What is in namespaces that have a schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from sipapp.xcap.errors import SchemaValidationError
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.usages.pidf import pidfManipulation
from sipapp.xcap.usages.presrules import presenceRules
from sipapp.xcap.usages.resourcelists import resourceLists
from sipapp.xcap.vocabulary import Vocabulary

RULES = (
    '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"'
    ' xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><rule id="a"><actions>{}</actions></rule>'
    "</ruleset>"
)
PRESENCE = (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:a@example.com"'
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model">{}</presence>'
)
LISTS = (
    '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"'
    ' xmlns:pr="urn:ietf:params:xml:ns:pres-rules"><list>{}</list></resource-lists>'
)


def check(usage: ApplicationUsage, body: str) -> None:
    assert usage.schema is not None
    usage.schema.validate(body.encode())


@pytest.mark.parametrize(
    ("usage", "document", "content", "name"),
    [
        (presenceRules, RULES, "<pr:sub-handlng>allow</pr:sub-handlng>", "sub-handlng"),
        (pidfManipulation, PRESENCE, '<dm:persn id="a"/>', "persn"),
        (pidfManipulation, PRESENCE, '<x:a xmlns:x="urn:x"><status/></x:a>', None),
        (pidfManipulation, PRESENCE, '<x:a xmlns:x="urn:x"><stats/></x:a>', "stats"),
        (resourceLists, LISTS, "<pr:entry/>", "entry"),
        (resourceLists, LISTS, '<entry uri="a:b" pr:uri="c"/>', "uri"),
        (resourceLists, LISTS, '<entry uri="a:b" pr:entry="c"/>', "entry"),
        (resourceLists, LISTS, '<x:a xmlns:x="urn:x" x:b="c"/>', None),
        (resourceLists, LISTS, '<x:a xmlns:x="urn:x" xml:b="c"/>', None),
        (resourceLists, LISTS, '<x:a xmlns:x="urn:x" xmlns=""><entry uri=""/></x:a>', None),
        (resourceLists, LISTS, "<pr:sub-handling>allow</pr:sub-handling>", None),
    ],
)
def test_strangers(usage: ApplicationUsage, document: str, content: str, name: str | None) -> None:
    """RFC 4825 §8.2.5: what a schema does not have is refused, wherever it is let in. Namespaces
    that are not known may hold anything."""
    if name is None:
        check(usage, document.format(content))
        return
    with pytest.raises(SchemaValidationError) as caught:
        check(usage, document.format(f"\n{content}"))
    assert caught.value.detail.startswith("line 2: the schema of its namespace has no {urn:ietf:")
    assert caught.value.detail.endswith(f"}}{name}")


def test_schemasOfOthers(tmp_path: Path) -> None:
    """With those that they refer to: what is included has the namespace of who includes it."""
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    (tmp_path / "part.xsd").write_text(
        f'{head}><xs:include schemaLocation="top.xsd"/><xs:element name="part"/></xs:schema>'
    )
    (tmp_path / "other.xsd").write_text(
        f'{head} targetNamespace="urn:other"><xs:attribute name="mark"/></xs:schema>'
    )
    (tmp_path / "top.xsd").write_text(
        f'{head} targetNamespace="urn:top"><xs:include schemaLocation="http://x/part.xsd"/>'
        '<xs:import namespace="urn:nowhere"/>'
        '<xs:import namespace="urn:other" schemaLocation="other.xsd"/>'
        '<xs:element name="top"/></xs:schema>'
    )
    vocabulary = Vocabulary(tmp_path / "top.xsd")

    def strange(content: str) -> str | None:
        root = f'<top xmlns="urn:top" xmlns:o="urn:other">{content}</top>'
        found = vocabulary.stranger(etree.fromstring(root))
        return found and found[1]

    assert strange('<part o:mark="a"/>') is None
    assert strange('<a xmlns="urn:nowhere"/>') is None
    assert strange("<mark/>") == "{urn:top}mark"
    assert strange('<part o:part="a"/>') == "{urn:other}part"
    assert strange("<o:mark/>") == "{urn:other}mark"
    assert strange('<presence xmlns="urn:ietf:params:xml:ns:pidf"/>') is None
