"""The presence that a user keeps here (RFC 4827)."""

from __future__ import annotations

import pytest

from sipapp.xcap.errors import SchemaValidationError
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usages.pidf import pidfManipulation
from tests.xcap.usages.checking import ALICE, UsageChecks

#: RFC 3863 §4.3.1.
EXAMPLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf"
     xmlns:im="urn:ietf:params:xml:ns:pidf:im"
     xmlns:myex="http://id.example.com/presence/"
     entity="pres:someone@example.com">
  <tuple id="bs35r9">
    <status>
      <basic>open</basic>
      <im:im>busy</im:im>
      <myex:location>home</myex:location>
    </status>
    <contact priority="0.8">im:someone@mobilecarrier.net</contact>
    <note xml:lang="en">Don't Disturb Please!</note>
    <note xml:lang="fr">Ne derangez pas, s'il vous plait</note>
    <timestamp>2001-10-27T16:49:29Z</timestamp>
  </tuple>
  <tuple id="eg92n8">
    <status>
      <basic>open</basic>
    </status>
    <contact priority="1.0">mailto:someone@example.com</contact>
  </tuple>
  <note>I'll be in Tokyo next week</note>
</presence>
"""


def presence(content: str) -> str:
    return (
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"'
        f' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model">{content}</presence>'
    )


class TestPIDFManipulation(UsageChecks):
    usage = pidfManipulation
    name = DocumentName("pidf-manipulation", ALICE, "index")

    @pytest.mark.parametrize(
        "body",
        [
            EXAMPLE,
            presence(""),
            presence('<dm:person id="a"><x xmlns="urn:x"/><dm:note>Out</dm:note></dm:person>'),
        ],
    )
    def test_valid(self, body: str) -> None:
        self.validate(body)

    @pytest.mark.parametrize(
        "body",
        [
            presence('<tuple id="a"><status><basic>perhaps</basic></status></tuple>'),
            presence('<tuple id="a"/>'),
            # The schema of an extension counts where it is known.
            presence("<dm:person/>"),
            presence('<dm:device id="a"/>'),
            EXAMPLE.replace('entity="pres:someone@example.com"', ""),
            '<dm:deviceID xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model">a</dm:deviceID>',
        ],
    )
    def test_notTheSchema(self, body: str) -> None:
        self.refused(SchemaValidationError, body)

    def test_anIdentifierTwice(self) -> None:
        body = '<tuple id="a"><status/></tuple><dm:person id="a"/><x xmlns="urn:x" id="a"/>'
        assert self.fields(presence(body)) == [
            "presence/n0:person/@id?xmlns(n0=urn:ietf:params:xml:ns:pidf:data-model)"
        ]

    def test_oneDocumentForEachUser(self) -> None:
        assert not self.usage.accepts(self.named("other"))
        assert not self.usage.accepts(self.named("index", ""))
