"""Services that stand for a list (RFC 4826 §4)."""

from __future__ import annotations

import re

import pytest

from sipapp.storage import ClaimTaken
from sipapp.xcap.document import Document
from sipapp.xcap.errors import ConstraintFailure, SchemaValidationError, UniquenessFailure
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usages.rlsservices import rlsServices
from tests.storage.accountcontract import result
from tests.xcap.usages.checking import ALICE, BOB, UsageChecks, now, rootOf

JOE = "sip:joe@example.com"

#: The services of RFC 4826 §4.3.
MY_BUDDIES = """\
<service uri="sip:mybuddies@example.com">
  <resource-list>http://xcap.example.com/resource-lists/users/sip:joe@example.com/index/~~/\
resource-lists/list%5b@name=%22l1%22%5d</resource-list>
  <packages>
   <package>presence</package>
  </packages>
 </service>"""
MARKETING = """\
<service uri="sip:marketing@example.com">
   <list name="marketing">
     <rl:entry uri="sip:joe@example.com"/>
     <rl:entry uri="sip:sudhir@example.com"/>
   </list>
   <packages>
     <package>presence</package>
   </packages>
 </service>"""


def services(*content: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rls-services xmlns="urn:ietf:params:xml:ns:rls-services"'
        ' xmlns:rl="urn:ietf:params:xml:ns:resource-lists">\n'
        + "\n".join(content)
        + "</rls-services>"
    )


def service(uri: str, content: str = "<list/>") -> str:
    return f'<service uri="{uri}">{content}</service>'


class TestRLSServices(UsageChecks):
    usage = rlsServices
    name = DocumentName("rls-services", JOE, "index")
    index = DocumentName("rls-services", "", "index")

    def claims(self, body: str) -> set[str]:
        return set(self.usage.claims(Document(body.encode()), self.name))

    @pytest.mark.parametrize(
        "body",
        [
            services(MY_BUDDIES, MARKETING),
            services(),
            services(service("sip:a@b"), service("sip:a@c")),
            services(
                service("a", "<list><rl:list><rl:entry uri='x'/></rl:list></list><packages/>")
            ),
        ],
    )
    def test_valid(self, body: str) -> None:
        self.validate(body)

    @pytest.mark.parametrize(
        "body",
        [
            services("<service><list/></service>"),
            services('<service uri="sip:a@b"/>'),
            services(service("sip:a@b", "<list/><resource-list>http://a/b</resource-list>")),
            services(service("sip:a@b", "<list><rl:entry/></list>")),
            services(service("sip:a@b", "<packages/><list/>")),
        ],
    )
    def test_notTheSchema(self, body: str) -> None:
        self.refused(SchemaValidationError, body)

    def test_aServiceTwice(self) -> None:
        body = services(service("sip:Friends@example.com"), service("sip:Friends@EXAMPLE.com:5060"))
        error = self.refused(UniquenessFailure, body)
        ((field, (alternative,)),) = error.fields
        assert field == "rls-services/service%5B2%5D/@uri"
        assert re.fullmatch("sip:Friends-[0-9a-f]{8}@EXAMPLE.com:5060", alternative)

    def test_withoutAUserThereIsNoAlternative(self) -> None:
        error = self.refused(UniquenessFailure, services(service("urn:a"), service("urn:a")))
        assert error.fields == (("rls-services/service%5B2%5D/@uri", ()),)

    def test_listsAreListsHereToo(self) -> None:
        entries = '<rl:list><rl:entry uri="a"/><rl:entry uri="a"/></rl:list>'
        body = services(service("sip:a@b", f"<list>{entries}</list>"))
        assert self.fields(body) == [
            "rls-services/service/list/n0:list/n0:entry%5B2%5D/@uri"
            "?xmlns(n0=urn:ietf:params:xml:ns:resource-lists)"
        ]
        body = services(service("sip:a@b", '<list><rl:entry-ref ref="/a"/></list>'))
        self.refused(ConstraintFailure, body)

    @pytest.mark.parametrize(
        "uri",
        [
            "http://xcap.example.com/resource-lists/users/joe/index/~~/resource-lists/list",
            "https://a.example/some/root/resource-lists/users/sip%3Ajoe%40example.com/a/b/~~/c",
            "\n http://a/resource-lists/users/sip:joe@EXAMPLE.com/index/~~/r/list%5b2%5d ",
            "http://a/resource-lists/users/joe/index/~~/a:resource-lists/a:list?xmlns(a=urn:x)",
        ],
    )
    def test_aListOfTheSameUser(self, uri: str) -> None:
        self.validate(services(service("sip:a@b", f"<resource-list>{uri}</resource-list>")))

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "resource-lists/users/joe/index/~~/resource-lists/list",
            "http://a/pres-rules/users/joe/index/~~/resource-lists/list",
            "http://a/resource-lists/global/index/~~/resource-lists/list",
            "http://a/resource-lists/users",
            "http://a/resource-lists/users/joe",
            "http://a/resource-lists/users/joe/index",
            "http://a/resource-lists/users/joe/index/~~/",
            "http://a/resource-lists/users/joe/index/~~/resource-lists/list/@name",
            "http://a/resource-lists/users/joe/index/~~/resource-lists/list/namespace::*",
            "http://a/resource-lists/users/joe/index/~~/resource-lists/x:list",
            "http://a/resource-lists/users/sip:bob@example.com/index/~~/resource-lists/list",
            "http://a/resource-lists/users/b%20ob@@/index/~~/resource-lists/list",
            "http://a/pres-rules/users/joe/index/~~/resource-lists/users/joe/index/~~/list",
            "http://resource-lists/users/joe/index/~~/resource-lists/list",
            "http://[x]/pres-rules/users/joe/index/~~/resource-lists/list",
            "sip:joe@example.com",
        ],
    )
    def test_noListOfTheSameUser(self, uri: str) -> None:
        body = services(service("sip:a@b", f"<resource-list>{uri}</resource-list>"))
        error = self.refused(ConstraintFailure, body)
        assert error.detail.startswith("line 3: a resource-list is the absolute HTTP URI")

    def test_whatItClaims(self) -> None:
        body = services(service(" sip:A%62@EXAMPLE.com;x=y"), service("pres:a@b"), service("sip:"))
        assert self.claims(body) == {"sip:Ab@example.com", "pres:a@b", "sip:"}

    def test_anotherDocumentHasTheService(self) -> None:
        root = rootOf()
        body = services(MARKETING, MY_BUDDIES).encode()
        claims = self.claims(services(MY_BUDDIES))
        bobs = self.named("index", BOB)
        stored = root.documents.replace(bobs, None, b"<a/>", claims=claims)
        result(stored)
        with pytest.raises(ClaimTaken) as caught:
            claims = self.claims(body.decode())
            result(root.documents.replace(self.name, None, body, claims=claims))
        error = self.usage.claimTaken(caught.value.claim, Document(body), self.name)
        assert isinstance(error, UniquenessFailure)
        ((field, (alternative,)),) = error.fields
        assert field == "rls-services/service%5B2%5D/@uri"
        assert re.fullmatch("sip:mybuddies-[0-9a-f]{8}@example.com", alternative)

    def test_theIndexHasAllServicesThatAreInAnIndex(self) -> None:
        """RFC 4826 §4.4.8."""
        root = rootOf()
        for name, content in [
            (self.named("index", JOE), MY_BUDDIES),
            (self.named("index", BOB), MARKETING),
            (self.named("other", BOB), service("sip:other@example.com")),
        ]:
            result(root.documents.replace(name, None, services(content).encode()))
        body = now(self.usage.generated(self.index, root))
        self.validate(body.decode())
        assert self.claims(body.decode()) == {
            "sip:mybuddies@example.com",
            "sip:marketing@example.com",
        }
        assert now(self.usage.generated(self.name, root)) is None

    def test_theIndexOfNothing(self) -> None:
        body = now(self.usage.generated(self.index, rootOf()))
        self.validate(body.decode())
        assert self.claims(body.decode()) == set()

    def test_names(self) -> None:
        assert self.usage.accepts(self.named("anything"))
        assert not self.usage.isReadOnly(self.name)
        assert self.usage.accepts(self.index)
        assert self.usage.isReadOnly(self.index)
        assert not self.usage.accepts(self.named("other", ""))
        assert not self.usage.isReadOnly(self.named("other", ""))

    def test_theIndexIsForNoUser(self) -> None:
        assert self.usage.mayRead(JOE, self.name)
        assert not self.usage.mayRead(ALICE, self.name)
        assert not self.usage.mayRead(JOE, self.index)
        assert not self.usage.mayWrite(JOE, self.index)
