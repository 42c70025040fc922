"""What an application usage does if it says nothing else (RFC 4825 §5)."""

from __future__ import annotations

from sipapp.xcap.document import Document
from sipapp.xcap.errors import UniquenessFailure
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usage import ApplicationUsage
from tests.xcap.usages.checking import ALICE, BOB, now, rootOf


class Notes(ApplicationUsage):
    auid = "org.example.notes"
    mimeType = "application/vnd.example.notes+xml"
    namespace = "urn:example:notes"


USAGE = Notes()
ALICES = DocumentName(USAGE.auid, ALICE, "any")
GLOBAL = DocumentName(USAGE.auid, "", "any")
ANYTHING = Document(b"<any/>")


def test_anyDocumentOfAnyName() -> None:
    for name in (ALICES, GLOBAL):
        assert USAGE.accepts(name)
        assert not USAGE.isReadOnly(name)
        USAGE.validate(ANYTHING, name)


def test_noDirectories() -> None:
    for user in (ALICE, ""):
        assert not USAGE.accepts(DocumentName(USAGE.auid, user, "any/name"))


def test_usersHaveWhatIsTheirs() -> None:
    assert USAGE.mayRead(ALICE, ALICES)
    assert USAGE.mayWrite(ALICE, ALICES)
    for user in (BOB, None, ""):
        assert not USAGE.mayRead(user, ALICES)
        assert not USAGE.mayWrite(user, ALICES)


def test_whatIsGlobalIsReadByAllUsers() -> None:
    assert USAGE.mayRead(ALICE, GLOBAL)
    assert not USAGE.mayRead(None, GLOBAL)
    for user in (ALICE, None, ""):
        assert not USAGE.mayWrite(user, GLOBAL)


def test_nothingIsClaimedOrGenerated() -> None:
    assert USAGE.claims(ANYTHING, ALICES) == ()
    assert now(USAGE.generated(ALICES, rootOf())) is None
    error = USAGE.claimTaken("a", ANYTHING, ALICES)
    assert isinstance(error, UniquenessFailure)
    assert error.fields == (("a", ()),)


def test_whatItBrings() -> None:
    assert USAGE.namespaces == ("urn:example:notes",)
    assert USAGE.extensions == ()
