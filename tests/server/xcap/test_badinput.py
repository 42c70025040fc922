"""What nobody should send to an XCAP server, sent to a real one: each gets its clear error, nothing
of it is kept, and no worker is lost.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.httpclient import HTTPClient
from tests.support.httptext import Answer
from tests.support.ports import freePort
from tests.support.server import Server
from tests.support.users import addUsers
from tests.support.xcapclient import PASSWORD, XCAPClients

TYPE = "application/resource-lists+xml"
ELEMENT = "application/xcap-el+xml"
ATTRIBUTE = "application/xcap-att+xml"
NAMESPACE = "urn:ietf:params:xml:ns:resource-lists"

ROOT = "/xcap-root"
ALICE = f"{ROOT}/resource-lists/users/sip:alice@{DOMAIN}"
BOB = f"{ROOT}/resource-lists/users/sip:bob@{DOMAIN}"
DOCUMENT = f"{ALICE}/index"
#: The one thing that nobody but Bob may read.
SECRET = b"sip:bob-s-secret@example.net"

GOOD = (
    f'<resource-lists xmlns="{NAMESPACE}"><list name="a">'
    '<entry uri="sip:one@example.com"/><entry uri="sip:two@example.com"/>'
    "</list></resource-lists>"
).encode()

SIZE = 20_000
#: Seconds that a request may take.
MESSAGE_TIMEOUT = 3.0
#: Seconds that nothing here may come near to.
SOON = 10.0


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    configuration = sharedConfiguration
    configuration.table("resource.xcap", document_size=SIZE, documents_per_user=5)
    limits = {"message_timeout": MESSAGE_TIMEOUT, "body_size": 4 * SIZE}
    configuration.listen("http", workers=2, resources=["xcap"], limits=limits)
    addUsers(configuration, {"alice": PASSWORD, "bob": PASSWORD})
    return startSharedServer(configuration)


@pytest.fixture(scope="module")
def allClients(server: Server) -> Iterator[XCAPClients]:
    clients = XCAPClients(server, "http-0", server.endpoint("http").address, DOMAIN)
    bob = clients.client("bob", 0)
    lists = GOOD.replace(b"sip:one@example.com", SECRET)
    assert bob.put(f"{BOB}/index", TYPE, lists).status == 201
    yield clients
    clients.close()


@pytest.fixture
def clients(server: Server, allClients: XCAPClients) -> Iterator[XCAPClients]:
    """Those of a server that is afterwards what it was before: the same workers, each of which
    answers, with the document as it was, and with no error of their own in the log.
    """
    alice = allClients.client("alice", 0)
    assert alice.put(DOCUMENT, TYPE, GOOD).status in (200, 201)
    workers = server.workers()
    yield allClients
    assert server.workers() == workers
    for worker in range(len(allClients.workers)):
        answer = allClients.client("alice", worker).get(DOCUMENT)
        assert (answer.status, answer.body) == (200, GOOD)
    assert "Traceback" not in server.output()


@pytest.fixture
def alice(clients: XCAPClients) -> HTTPClient:
    return clients.client("alice", 0)


def conflictOf(answer: Answer) -> str:
    """
    @return: the name of the error element in a 409.
    """
    assert answer.status == 409, answer
    assert answer.get("content-type") == "application/xcap-error+xml"
    _, _, error = answer.text.partition("<xcap-error ")[2].partition("<")
    return error.replace("/", " ").replace(">", " ").split()[0]


def lists(content: str) -> bytes:
    return f'<resource-lists xmlns="{NAMESPACE}">{content}</resource-lists>'.encode()


LAUGHS = (
    "<!DOCTYPE r ["
    + '<!ENTITY e0 "lol">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)
QUADRATIC = f'<!DOCTYPE r [<!ENTITY e "{"a" * 8000}">]>'
EXTERNAL = '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "document",
    [
        LAUGHS.encode() + lists('<list><display-name xml:lang="en">&e9;</display-name></list>'),
        LAUGHS.encode() + lists('<list name="&e9;"/>'),
        QUADRATIC.encode() + lists(f"<list><display-name>{'&e;' * 900}</display-name></list>"),
        EXTERNAL.encode() + lists("<list><display-name>&e;</display-name></list>"),
        b'<!DOCTYPE r SYSTEM "file:///dev/zero">' + GOOD,
        b'<!DOCTYPE r PUBLIC "-//X//X//EN" "file:///dev/random">' + GOOD,
        b"<!DOCTYPE resource-lists>" + GOOD,
        b"<!DOCTYPE r [<!ATTLIST list name CDATA 'by default'>]>" + GOOD,
        lists("<list><display-name>&e;</display-name></list>"),
    ],
    ids=[
        "billion laughs",
        "billion laughs in an attribute",
        "quadratic growth",
        "external entity",
        "external subset",
        "public subset",
        "empty doctype",
        "defaults of attributes",
        "unknown entity",
    ],
)
def test_documentTypes(alice: HTTPClient, document: bytes) -> None:
    """No document type is read, so there is nothing that grows and nothing that is fetched."""
    begun = time.monotonic()
    answer = alice.put(DOCUMENT, TYPE, document)
    assert conflictOf(answer) == "not-well-formed"
    assert b"root:" not in answer.body
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize("doctype", [LAUGHS, EXTERNAL, "<!DOCTYPE list>"])
def test_documentTypesOfElements(alice: HTTPClient, doctype: str) -> None:
    target = f"{DOCUMENT}/~~/resource-lists/list/display-name"
    answer = alice.put(target, ELEMENT, f"{doctype}<display-name>&e;</display-name>".encode())
    assert conflictOf(answer) == "not-xml-frag"


def test_nothingIsFetched(alice: HTTPClient) -> None:
    """Not by the schemas of a document's own choice, an inclusion or a style sheet either."""
    with socket.create_server(("127.0.0.1", freePort())) as listener:
        listener.settimeout(0.5)
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        for document in (
            f'<!DOCTYPE r SYSTEM "{uri}">'.encode() + GOOD,
            f'<!DOCTYPE r [<!ENTITY % p SYSTEM "{uri}"> %p;]>'.encode() + GOOD,
            f'<?xml-stylesheet href="{uri}"?>'.encode() + GOOD,
            GOOD.replace(
                b"<list",
                b'<list xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
                + f' xsi:schemaLocation="urn:x {uri}" xmlns:x="urn:x" x:y="z"'.encode(),
                1,
            ),
            GOOD.replace(
                b"</list>",
                f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{uri}"/>'.encode()
                + b"</list>",
            ),
        ):
            assert alice.put(DOCUMENT, TYPE, document).status in (200, 409)
        with pytest.raises(TimeoutError):
            listener.accept()
    assert alice.put(DOCUMENT, TYPE, GOOD).status == 200


@pytest.mark.parametrize(
    "document",
    [
        lists("<list>" * 1500 + "</list>" * 1500),
        lists("<x:a xmlns:x='urn:x'>" + "<x:a>" * 2000),
        b"<a " + b" ".join(b'a%d="%d"' % (n, n) for n in range(1200)) + b"/>",
        lists("".join(f"<list xmlns:p{n}='urn:{n}'/>" for n in range(500)))[:-20],
        lists(f"<list xmlns:p='{'u' * 10_000}'>{'<p:e/>' * 1000}</list>"),
        b"<" * 10_000,
        b"<a>" + b"]]>" * 3000,
        b"<a>\0</a>",
        b"",
        b" " * 15_000,
    ],
    ids=[
        "deep",
        "deep and open",
        "many attributes",
        "cut off",
        "a long namespace",
        "open brackets",
        "ends of sections",
        "a NUL",
        "nothing",
        "spaces",
    ],
)
def test_documentsThatAreNone(alice: HTTPClient, document: bytes) -> None:
    begun = time.monotonic()
    assert conflictOf(alice.put(DOCUMENT, TYPE, document)) in (
        "not-well-formed",
        "constraint-failure",
        "schema-validation-error",
    )
    assert time.monotonic() - begun < SOON


@pytest.mark.parametrize(
    "document",
    [
        lists('<list name="caf\xe9"/>').decode().encode("latin-1"),
        b'<?xml version="1.0" encoding="latin-1"?>'
        + lists('<list name="caf\xe9"/>').decode().encode("latin-1"),
        GOOD.decode().encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-16"?>' + GOOD,
        b'<?xml version="1.0" encoding="utf-7"?>' + GOOD,
        GOOD.replace(b'"a"', b'"\xed\xa0\x80"'),
        GOOD.replace(b'"a"', b'"\xc0\xaf"'),
        GOOD.replace(b'"a"', b'"\xff"'),
    ],
    ids=[
        "latin-1 that says nothing",
        "latin-1",
        "UTF-16",
        "said to be UTF-16",
        "said to be UTF-7",
        "surrogates",
        "too long an encoding",
        "no encoding at all",
    ],
)
def test_otherEncodings(alice: HTTPClient, document: bytes) -> None:
    assert conflictOf(alice.put(DOCUMENT, TYPE, document)) == "not-utf-8"


def test_otherEncodingsOfParts(alice: HTTPClient) -> None:
    element = f"{DOCUMENT}/~~/resource-lists/list/entry%5b1%5d"
    for target, kind, body in (
        (element, ELEMENT, b'<entry uri="sip:caf\xe9@example.com"/>'),
        (f"{element}/@uri", ATTRIBUTE, b"sip:caf\xe9@example.com"),
    ):
        assert conflictOf(alice.put(target, kind, body)) == "not-utf-8"
    # What is said of it counts as well.
    answer = alice.put(element, f"{ELEMENT}; charset=iso-8859-1", b'<entry uri="sip:a@b"/>')
    assert conflictOf(answer) == "not-utf-8"


#: Those that have a prefix without a namespace, a value that is none, or an empty step.
MALFORMED = ("x:entry", "entry[@x:uri='a']", "entry[@uri='&e;']", "/entry", "//entry")
#: What would select a lot, look elsewhere or run, if a selector were XPath or a path of files.
EXPRESSIONS = [
    '*[@uri="x" or "1"="1"]',
    '*[@uri="x"][1=1]',
    '*["1"]',
    '*[@uri=""]|//*',
    "entry[position()=1]",
    "entry[last()]",
    'entry[contains(@uri,"one")]',
    "entry[1.0]",
    "entry[-1]",
    "entry[1e1]",
    "entry[ 1 ]",
    "/entry",
    "//entry",
    "..",
    "../list",
    ".",
    "*/..",
    "@*",
    "entry/@*",
    "@uri/entry",
    "text()",
    "node()",
    "comment()",
    "self::node()",
    "parent::*",
    "descendant::entry",
    "ancestor-or-self::*",
    "namespace::a",
    "namespace::*/entry",
    "document('file:///etc/passwd')",
    "entry[document('file:///etc/passwd')]",
    "id('a')",
    "$x",
    "entry[@uri=$x]",
    "entry[@uri='a\"]",
    "entry[@uri=a]",
    "entry[@uri]",
    "entry[@uri='a'",
    "entry[@uri='<']",
    "entry[@uri='&e;']",
    "entry{1}",
    "x:entry",
    "entry[@x:uri='a']",
    "entry\x01",
    "~~",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(alice: HTTPClient, expression: str) -> None:
    """A selector that is none selects nothing, and changes nothing. It could be an extension's (RFC
    4825 §6.3), so it is not found (§8), unless it is not even that.
    """
    target = f"{DOCUMENT}/~~/resource-lists/list/{quote(expression, safe='/@*')}"
    for answer in (
        alice.get(target),
        alice.delete(target),
        alice.put(target, ELEMENT, b'<entry uri="sip:x@example.com"/>'),
    ):
        assert answer.status == (400 if expression in MALFORMED else 404)


@pytest.mark.parametrize(
    "query",
    ["xmlns(", "xmlns(x)", "xmlns(x=", "xmlns(x=a))", "xmlns(xml=urn:x)xmlns(", "%ff", "x^", "%00"],
)
def test_queries(alice: HTTPClient, query: str) -> None:
    assert alice.get(f"{DOCUMENT}/~~/resource-lists/x:a?{query}").status == 400


def test_thousandsOfSteps(alice: HTTPClient) -> None:
    for steps in ("/*" * 3000, "/a" * 3000, "/*%5b1%5d" * 800, f"/*%5b{'9' * 5000}%5d"):
        begun = time.monotonic()
        assert alice.get(f"{DOCUMENT}/~~/resource-lists{steps}").status in (400, 404)
        assert time.monotonic() - begun < SOON
    assert alice.get(f"{DOCUMENT}/~~/{'a/' * 20_000}").status in (400, 414)


#: Ways to Bob's document, and out of all documents, below the root.
PATHS = [
    f"resource-lists/users/sip:alice@{DOMAIN}/../sip:bob@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}/%2e%2e/sip:bob@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}/.%2E/sip:bob@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}/..%2fsip:bob@{DOMAIN}%2findex",
    f"resource-lists/users/sip:alice@{DOMAIN}%2f..%2fsip:bob@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}%2findex/../../sip:bob@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}%00/index",
    f"resource-lists/users/sip:bob@{DOMAIN}%00sip:alice@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}/index%00",
    f"resource-lists/users/sip:alice@{DOMAIN}/%2fetc%2fpasswd",
    f"resource-lists/users/sip:alice@{DOMAIN}/..%5c..%5cindex%00",
    f"resource-lists/users/sip:alice@{DOMAIN}/index/.",
    f"resource-lists/users/sip:alice@{DOMAIN}//index",
    f"resource-lists/users//sip:bob@{DOMAIN}/index",
    f"resource-lists/users/./sip:bob@{DOMAIN}/index",
    f"resource-lists/users/%ff%fe@{DOMAIN}/index",
    f"resource-lists/users/sip:alice@{DOMAIN}/%c0%ae%c0%ae/index",
    f"resource-lists/users/sip:alice@{DOMAIN}/a%0d%0aX-Injected:%20yes",
    "resource-lists/users/%2e%2e/%2e%2e/etc/passwd",
    f"resource-lists/global/../users/sip:bob@{DOMAIN}/index",
    f"../resource-lists/users/sip:bob@{DOMAIN}/index",
    f"%2e%2e/xcap-root/resource-lists/users/sip:bob@{DOMAIN}/index",
    f"xcap-caps/../resource-lists/users/sip:bob@{DOMAIN}/index",
    f"resource-lists%2fusers%2fsip:bob@{DOMAIN}%2findex",
]


@pytest.mark.parametrize("path", PATHS)
def test_paths(alice: HTTPClient, path: str) -> None:
    """No spelling of a path leads to a document that its plain spelling does not lead to."""
    for answer in (
        alice.get(f"{ROOT}/{path}"),
        alice.put(f"{ROOT}/{path}", TYPE, GOOD),
        alice.delete(f"{ROOT}/{path}"),
    ):
        assert answer.status in (400, 403, 404, 409)
        assert SECRET not in answer.body
        assert b"root:" not in answer.body
        assert answer.get("x-injected") is None


@pytest.mark.parametrize(
    "user",
    [
        f"sip:bob@{DOMAIN}",
        f"sip:BOB@{DOMAIN}",
        "bob",
        f"bob@{DOMAIN}",
        f"sips:bob@{DOMAIN.upper()}",
        f"sip:%62ob@{DOMAIN}",
        f"sip:%2562ob@{DOMAIN}",
        f"sip:bob:x@{DOMAIN}",
        f"sip:bob@{DOMAIN}:5060",
        f"sip:bob@{DOMAIN};transport=tcp",
        f"sip:bob@{DOMAIN}%3falice",
        f"sip:alice@{DOMAIN}@{DOMAIN}",
        f"sip:bob@{DOMAIN}.",
        "sip:alice",
        f"sip:alice%40{DOMAIN}@{DOMAIN}",
        "*",
        "%25",
        "_%25",
        "' or 1=1 --",
    ],
)
def test_users(alice: HTTPClient, user: str) -> None:
    """Alice is nobody but Alice, however somebody is spelled; and a name is no pattern."""
    tree = f"{ROOT}/resource-lists/users/{quote(user, safe='%:@;=')}"
    for answer in (
        alice.get(f"{tree}/index"),
        alice.put(f"{tree}/index", TYPE, GOOD),
        alice.delete(f"{tree}/index"),
    ):
        assert answer.status in (400, 403, 404)
        assert SECRET not in answer.body


def test_bobHasHisDocument(clients: XCAPClients) -> None:
    """After all of these."""
    answer = clients.client("bob", 1).get(f"{BOB}/index")
    assert (answer.status, SECRET in answer.body) == (200, True)


def test_tooLarge(alice: HTTPClient) -> None:
    """Of documents, of bodies, and of what an element would make of a document."""
    name = "x" * SIZE
    assert alice.put(DOCUMENT, TYPE, lists(f'<list name="{name}"/>')).status == 413
    assert alice.put(DOCUMENT, TYPE, lists(f'<list name="{name * 5}"/>')).status == 413
    entry = f'<entry uri="sip:{"x" * (SIZE - 100)}@example.com"/>'.encode()
    assert (
        alice.put(f"{DOCUMENT}/~~/resource-lists/list/entry%5b1%5d", ELEMENT, entry).status == 413
    )


def test_tooLargeIsSaidBefore(alice: HTTPClient) -> None:
    """Who asks whether to go on is told, and nothing is read."""
    headers = [
        ("Content-Type", TYPE),
        ("Content-Length", str(1 << 40)),
        ("Expect", "100-continue"),
    ]
    alice.send(alice.written("PUT", DOCUMENT, headers))
    answer = alice.receive("PUT")
    assert answer.status == 413
    assert alice.interim == []
    alice.close()


def test_tooMany(alice: HTTPClient) -> None:
    """Of documents: those that there are stay."""
    answers = [alice.put(f"{ALICE}/d{number}", TYPE, GOOD) for number in range(8)]
    statuses = [answer.status for answer in answers]
    assert statuses[:4] == [201] * 4
    assert set(statuses[4:]) <= {403, 409, 413, 507}
    for number in range(4):
        assert alice.delete(f"{ALICE}/d{number}").status == 200


def test_slowBodies(server: Server, clients: XCAPClients) -> None:
    """They are given up after a while. Meanwhile others are served, by the same workers."""
    alice = clients.client("alice", 0)
    headers = [("Content-Type", TYPE), ("Content-Length", "50000")]
    slow = []
    for _ in range(30):
        connection = HTTPClient(server.endpoint("http").address)
        connection.send(alice.written("PUT", DOCUMENT, headers) + b"<")
        slow.append(connection)
    begun = time.monotonic()
    while time.monotonic() - begun < MESSAGE_TIMEOUT / 2:
        for worker in range(len(clients.workers)):
            assert clients.client("bob", worker).get(f"{BOB}/index").status == 200
        for connection in slow:
            connection.send(b"a")
    for connection in slow:
        # With an answer that says so, or without.
        assert connection.awaitEnd().partition(b"\r\n")[0] in (b"", b"HTTP/1.1 408 Request Timeout")


def test_otherTypes(alice: HTTPClient) -> None:
    for kind in ("", "text/xml", "application/xml", ELEMENT, f"{TYPE}x", f"x, {TYPE}"):
        assert alice.put(DOCUMENT, kind, GOOD).status == 415
    coded = [("Content-Type", TYPE), ("Content-Encoding", "gzip")]
    assert alice.ask("PUT", DOCUMENT, coded, GOOD).status == 415


@pytest.mark.parametrize("method", ["POST", "PATCH", "TRACE", "PROPFIND", "CONNECT", "get", "X"])
def test_otherMethods(alice: HTTPClient, method: str) -> None:
    assert alice.ask(method, DOCUMENT).status in (400, 405, 501)
    alice.close()
