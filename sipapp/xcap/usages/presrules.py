"""Who may see whose presence: C{pres-rules} (RFC 5025 §9), and the same as the OMA has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.xcap.uniqueness import Duplicates
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Element, Schema

if TYPE_CHECKING:
    from sipapp.xcap.names import DocumentName

__all__ = ["OMAPresenceRules", "PresenceRules", "omaPresenceRules", "presenceRules"]

_COMMON_POLICY = "urn:ietf:params:xml:ns:common-policy"
_PRES_RULES = "urn:ietf:params:xml:ns:pres-rules"
_RULE = f"{{{_COMMON_POLICY}}}rule"


class PresenceRules(ApplicationUsage):
    """All documents of a user count, so any name will do (§9.7). The identifiers of rules are of
    type C{xs:ID} (RFC 4745 §13)."""

    auid = "pres-rules"
    mimeType = "application/auth-policy+xml"
    namespace = _PRES_RULES
    namespaces = (_PRES_RULES, _COMMON_POLICY)
    schema = Schema(f"{{{_COMMON_POLICY}}}ruleset", "presence-rules.xsd")

    def constrain(self, root: Element, name: DocumentName) -> None:
        duplicates = Duplicates(self.namespace)
        duplicates.amongIdentifiers(root.iterchildren(_RULE))
        duplicates.refuse()


class OMAPresenceRules(PresenceRules):
    """One document for each user, C{pres-rules}; names in a selector are those of common policy
    (OMA-TS-Presence_SIMPLE_XDM-V1_1 §5.1.1)."""

    auid = "org.openmobilealliance.pres-rules"
    namespace = _COMMON_POLICY

    def accepts(self, name: DocumentName) -> bool:
        return not name.isGlobal and name.path == "pres-rules"


presenceRules = PresenceRules()
omaPresenceRules = OMAPresenceRules()
