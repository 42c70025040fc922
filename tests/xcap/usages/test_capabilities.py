"""What the server can do (RFC 4825 §12)."""

from __future__ import annotations

from lxml import etree

from sipapp.xcap.names import DocumentName
from sipapp.xcap.root import XCAPRoot
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.usages.capabilities import capabilities
from tests.xcap.usages.checking import ALICE, UsageChecks, now, rootOf


class Extended(ApplicationUsage):
    auid = "a&b"
    mimeType = "application/xml"
    namespace = "urn:a&b"
    extensions = ("z", "<y>")


class TestCapabilities(UsageChecks):
    usage = capabilities
    name = DocumentName("xcap-caps", "", "index")

    def listed(self, root: XCAPRoot, element: str) -> list[str]:
        body = now(self.usage.generated(self.name, root))
        self.validate(body.decode())
        return [each.text for each in etree.fromstring(body).iter(f"{{*}}{element}")]

    def test_whatIsServed(self) -> None:
        root = rootOf("rls-services", "xcap-caps")
        assert self.listed(root, "auid") == ["rls-services", "xcap-caps"]
        assert self.listed(root, "namespace") == [
            "urn:ietf:params:xml:ns:resource-lists",
            "urn:ietf:params:xml:ns:rls-services",
            "urn:ietf:params:xml:ns:xcap-caps",
            "urn:ietf:params:xml:ns:xcap-error",
        ]
        assert self.listed(root, "extension") == []

    def test_whatOthersBring(self) -> None:
        usages = {**rootOf("xcap-caps").usages, "a&b": Extended()}
        root = XCAPRoot("http://a", usages, rootOf().documents)
        assert self.listed(root, "auid") == ["a&b", "xcap-caps"]
        assert self.listed(root, "extension") == ["<y>", "z"]
        assert "urn:a&b" in self.listed(root, "namespace")

    def test_oneDocumentForAll(self) -> None:
        assert self.usage.isReadOnly(self.name)
        assert self.usage.mayRead(ALICE, self.name)
        for name in (self.named("other", ""), self.named("index")):
            assert not self.usage.accepts(name)
            assert not self.usage.isReadOnly(name)
            assert now(self.usage.generated(name, rootOf())) is None
