"""Who may see whose presence (RFC 5025)."""

from __future__ import annotations

import pytest

from sipapp.xcap.errors import SchemaValidationError, UniquenessFailure
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usages.presrules import omaPresenceRules, presenceRules
from tests.xcap.usages.checking import ALICE, BOB, UsageChecks

#: RFC 5025 §6.
EXAMPLE = """\
<?xml version="1.0" encoding="UTF-8"?>
<cr:ruleset xmlns="urn:ietf:params:xml:ns:pres-rules"
 xmlns:pr="urn:ietf:params:xml:ns:pres-rules"
 xmlns:cr="urn:ietf:params:xml:ns:common-policy">
 <cr:rule id="a">
  <cr:conditions>
   <cr:identity>
    <cr:one id="sip:user@example.com"/>
   </cr:identity>
  </cr:conditions>
  <cr:actions>
   <pr:sub-handling>allow</pr:sub-handling>
  </cr:actions>
  <cr:transformations>
   <pr:provide-services>
     <pr:service-uri-scheme>sip</pr:service-uri-scheme>
     <pr:service-uri-scheme>mailto</pr:service-uri-scheme>
   </pr:provide-services>
   <pr:provide-persons>
     <pr:all-persons/>
   </pr:provide-persons>
   <pr:provide-activities>true</pr:provide-activities>
   <pr:provide-user-input>bare</pr:provide-user-input>
    <pr:provide-unknown-attribute
     ns="urn:vendor-specific:foo-namespace"
     name="foo">true</pr:provide-unknown-attribute>
  </cr:transformations>
 </cr:rule>
</cr:ruleset>
"""

#: What clients that follow the OMA put: conditions of a namespace that there is no schema of here.
OMA = """\
<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"
 xmlns:pr="urn:ietf:params:xml:ns:pres-rules"
 xmlns:ocp="urn:oma:xml:xdm:common-policy">
 <rule id="wp_prs_grantedcontacts">
  <conditions>
   <ocp:external-list>
    <ocp:entry anc="http://a/resource-lists/users/sip:a@b/index/~~/resource-lists/list"/>
   </ocp:external-list>
  </conditions>
  <actions><pr:sub-handling>allow</pr:sub-handling></actions>
 </rule>
</ruleset>
"""


def rules(content: str) -> str:
    return (
        '<ruleset xmlns="urn:ietf:params:xml:ns:common-policy"'
        f' xmlns:pr="urn:ietf:params:xml:ns:pres-rules">{content}</ruleset>'
    )


def rule(actions: str) -> str:
    return rules(f'<rule id="a"><actions>{actions}</actions></rule>')


class TestPresenceRules(UsageChecks):
    usage = presenceRules
    name = DocumentName("pres-rules", ALICE, "index")

    @pytest.mark.parametrize("body", [EXAMPLE, OMA, rules(""), rule('<x xmlns="urn:x"/>')])
    def test_valid(self, body: str) -> None:
        self.validate(body)

    @pytest.mark.parametrize(
        "body",
        [
            rule("<pr:sub-handling>perhaps</pr:sub-handling>"),
            rule("<pr:provide-mood>yes</pr:provide-mood>"),
            rules("<rule/>"),
            # Both schemas have elements that are no document.
            '<class xmlns="urn:ietf:params:xml:ns:pres-rules">a</class>',
        ],
    )
    def test_notTheSchema(self, body: str) -> None:
        self.refused(SchemaValidationError, body)

    def test_aRuleTwice(self) -> None:
        error = self.refused(UniquenessFailure, rules('<rule id="a"/><rule id="a"/>'))
        assert error.fields == (
            (
                "n0:ruleset/n0:rule%5B2%5D/@id?xmlns(n0=urn:ietf:params:xml:ns:common-policy)",
                ("a-2",),
            ),
        )

    def test_namespaces(self) -> None:
        assert self.usage.namespaces == (
            "urn:ietf:params:xml:ns:pres-rules",
            "urn:ietf:params:xml:ns:common-policy",
        )
        assert self.usage.namespace == "urn:ietf:params:xml:ns:pres-rules"

    def test_onlyTheOwnerSeesThem(self) -> None:
        assert self.usage.mayRead(ALICE, self.name)
        assert not self.usage.mayRead(BOB, self.name)


class TestOMAPresenceRules(UsageChecks):
    usage = omaPresenceRules
    name = DocumentName("org.openmobilealliance.pres-rules", ALICE, "pres-rules")

    def test_valid(self) -> None:
        self.validate(OMA)
        self.validate(EXAMPLE)

    def test_namespaces(self) -> None:
        assert self.usage.namespace == "urn:ietf:params:xml:ns:common-policy"
        fields = self.fields(rules('<rule id="a"/><rule id="a"/>'))
        assert fields == ["ruleset/rule%5B2%5D/@id"]

    def test_oneDocumentForEachUser(self) -> None:
        assert not self.usage.accepts(self.named("index"))
        assert not self.usage.accepts(self.named("pres-rules", ""))
