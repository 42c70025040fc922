"""Which documents a user has (OMA-TS-XDM_Core-V1_1 §6.7.2)."""

from __future__ import annotations

from lxml import etree

from sipapp.storage import entityTag
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usages.directory import directory
from tests.storage.accountcontract import result
from tests.xcap.usages.checking import ALICE, BOB, UsageChecks, now, rootOf


class TestDirectory(UsageChecks):
    usage = directory
    name = DocumentName("org.openmobilealliance.xcap-directory", ALICE, "directory.xml")

    def test_whatAUserHas(self) -> None:
        root = rootOf()
        for auid, xui, path in [
            ("resource-lists", ALICE, "index"),
            ("resource-lists", ALICE, "a b/c"),
            ("pres-rules", ALICE, "index"),
            ("resource-lists", BOB, "index"),
            ("resource-lists", "", "index"),
            ("not-served", ALICE, "index"),
        ]:
            result(root.documents.replace(DocumentName(auid, xui, path), None, b"<a/>"))
        body = now(self.usage.generated(self.name, root))
        self.validate(body.decode())
        common = {"etag": entityTag(b"<a/>"), "last-modified": "2027-01-15T08:00:00Z", "size": "4"}
        lists = f"https://xcap.example.com/root/resource-lists/users/{ALICE}/"
        assert [(each.get("auid"), [dict(e.attrib) for e in each]) for each in etree.XML(body)] == [
            (
                "pres-rules",
                [
                    {
                        "uri": f"https://xcap.example.com/root/pres-rules/users/{ALICE}/index",
                        **common,
                    }
                ],
            ),
            (
                "resource-lists",
                [{"uri": f"{lists}a%20b/c", **common}, {"uri": f"{lists}index", **common}],
            ),
        ]

    def test_whoHasNothing(self) -> None:
        body = now(self.usage.generated(self.name, rootOf()))
        self.validate(body.decode())
        assert len(etree.XML(body)) == 0

    def test_oneDocumentForEachUser(self) -> None:
        assert self.usage.isReadOnly(self.name)
        assert self.usage.mayRead(ALICE, self.name)
        assert not self.usage.mayRead(BOB, self.name)
        for name in (self.named("directory.xml", ""), self.named("index")):
            assert not self.usage.accepts(name)
            assert now(self.usage.generated(name, rootOf())) is None
