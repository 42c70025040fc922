"""Lists of users (RFC 4826 §3)."""

from __future__ import annotations

import pytest

from sipapp.xcap.errors import ConstraintFailure, SchemaValidationError, UniquenessFailure
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usages.resourcelists import LISTS, resourceLists
from tests.xcap.usages.checking import ALICE, BOB, UsageChecks

#: RFC 4826 §3.3, without the line ends that are there for display only.
EXAMPLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <list name="friends">
  <entry uri="sip:bill@example.com">
   <display-name>Bill Doe</display-name>
  </entry>
  <entry-ref ref="resource-lists/users/sip:bill@example.com/index/~~/\
resource-lists/list%5b@name=%22list1%22%5d/entry%5b@uri=%22sip:petri@example.com%22%5d"/>
  <list name="close-friends">
   <display-name>Close Friends</display-name>
   <entry uri="sip:joe@example.com">
    <display-name>Joe Smith</display-name>
   </entry>
   <entry uri="sip:nancy@example.com">
    <display-name>Nancy Gross</display-name>
   </entry>
   <external anchor="http://xcap.example.org/resource-lists/users/\
sip:a@example.org/index/~~/resource-lists/list%5b@name=%22mkting%22%5d">
     <display-name>Marketing</display-name>
    </external>
  </list>
 </list>
</resource-lists>
"""


def lists(content: str) -> str:
    return f'<resource-lists xmlns="{LISTS}">{content}</resource-lists>'


def listed(content: str) -> str:
    return lists(f'<list name="a">{content}</list>')


class TestResourceLists(UsageChecks):
    usage = resourceLists
    name = DocumentName("resource-lists", ALICE, "index")

    @pytest.mark.parametrize(
        "body",
        [
            EXAMPLE,
            lists(""),
            lists("<list/><list/>"),
            lists('<list name="a"><list name="a"/></list><list name="b"><list name="a"/></list>'),
            # Compared character by character: these are two URIs (§3.4.5).
            listed('<entry uri="sip:a@b"/><entry uri="sip:a@B"/>'),
            listed('<entry uri="sip:a@b"/><list><entry uri="sip:a@b"/></list>'),
            listed('<entry uri="sip:a@b" xmlns:x="urn:x" x:y="z"><x:any/></entry>'),
            listed('<external anchor="HTTPS://[2001:db8::1]:8443/a?xmlns(b=c)"/>'),
        ],
    )
    def test_valid(self, body: str) -> None:
        self.validate(body)

    @pytest.mark.parametrize(
        "body",
        [
            lists('<list nickname="a"/>'),
            lists('<entry uri="sip:a@b"/>'),
            listed("<entry/>"),
            listed('<entry uri="sip:a@b"><entry uri="sip:b@b"/></entry>'),
            listed("<entry-ref/>"),
            lists("text"),
            '<list xmlns="urn:ietf:params:xml:ns:resource-lists"/>',
            "<resource-lists/>",
        ],
    )
    def test_notTheSchema(self, body: str) -> None:
        self.refused(SchemaValidationError, body)

    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            (lists('<list name="a"/><list name="a"/>'), ["resource-lists/list%5B2%5D/@name"]),
            (
                listed('<entry uri="sip:a@b"/><list name="b"/><entry uri="sip:a@b"/>'),
                ["resource-lists/list/entry%5B2%5D/@uri"],
            ),
            (
                listed('<entry-ref ref="a"/><entry-ref ref="a"/><entry-ref ref="a"/>'),
                [
                    "resource-lists/list/entry-ref%5B2%5D/@ref",
                    "resource-lists/list/entry-ref%5B3%5D/@ref",
                ],
            ),
            (
                listed(
                    '<list><external anchor="http://a/b"/><external anchor="http://a/b"/></list>'
                ),
                ["resource-lists/list/list/external%5B2%5D/@anchor"],
            ),
        ],
    )
    def test_notUnique(self, body: str, fields: list[str]) -> None:
        assert self.fields(body) == fields

    def test_anotherNameForAList(self) -> None:
        body = lists('<list name="a"/><list name="a-2"/><list name="a"/><list name="a"/>')
        error = self.refused(UniquenessFailure, body)
        assert [alternatives for _, alternatives in error.fields] == [("a-3",), ("a-4",)]

    def test_uniquenessComesBeforeTheRest(self) -> None:
        self.refused(
            UniquenessFailure, listed('<entry-ref ref="/"/><entry uri="a"/><entry uri="a"/>')
        )

    @pytest.mark.parametrize("ref", ["", "/a", "sip:a@b", "http://a/b", "a b", "a#b"])
    def test_aRefIsARelativePath(self, ref: str) -> None:
        error = self.refused(ConstraintFailure, listed(f'\n<entry-ref ref="{ref}"/>'))
        assert error.detail.startswith("line 2: the ref of an entry-ref is a relative path")

    @pytest.mark.parametrize("anchor", ['anchor="a/b"', 'anchor="sip:a@b"', "", 'anchor="http://"'])
    def test_anAnchorIsAnAbsoluteURI(self, anchor: str) -> None:
        error = self.refused(ConstraintFailure, listed(f"<external {anchor}/>"))
        assert error.detail.startswith("line 1: the anchor of an external is an absolute HTTP URI")

    def test_whoMay(self) -> None:
        assert self.usage.mayRead(ALICE, self.name)
        assert self.usage.mayWrite(ALICE, self.name)
        assert not self.usage.mayRead(BOB, self.name)
        everybodys = self.named("index", "")
        assert self.usage.mayRead(BOB, everybodys)
        assert not self.usage.mayRead(None, everybodys)
        assert not self.usage.mayWrite(BOB, everybodys)
