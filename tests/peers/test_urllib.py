"""The HTTP of Python's own urllib, on which XCAP clients such as python3-xcaplib are built: it logs
in by MD5 or not at all, and writes selectors into its requests as they come."""

from __future__ import annotations

import urllib.request
from http.client import HTTPResponse
from urllib.error import HTTPError

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.users import addUsers

LISTS = (
    b'<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">\n'
    b'  <list name="friends"><entry uri="sip:bob@example.com"/></list>\n'
    b"</resource-lists>\n"
)
CAROL = b'<entry uri="sip:carol@example.com"/>'


class Client:
    """A user with his documents."""

    def __init__(self, root: str, user: str, password: str) -> None:
        self._index = f"{root}/resource-lists/users/sip:{user}@{DOMAIN}/index"
        known = urllib.request.HTTPPasswordMgr()
        known.add_password(DOMAIN, root, user, password)
        self._opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(known))

    def ask(
        self, method: str, node: str = "", body: bytes | None = None, **fields: str
    ) -> HTTPResponse:
        """
        @param node: what stands behind the document.
        @raise HTTPError: if it is refused.
        """
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        request = urllib.request.Request(self._index + node, body, headers, method=method)
        response: HTTPResponse = self._opener.open(request, timeout=30)
        return response


def test_aListIsEdited(configuration: Configuration, startServer: ServerStarter) -> None:
    endpoint = configuration.listen("http", workers=2, resources=["xcap"])
    configuration.table("resource.xcap", algorithms=["MD5"])
    addUsers(configuration, {"alice": "wonderland"})
    startServer(configuration)
    root = f"http://{endpoint.host}:{endpoint.port}/xcap-root"
    client = Client(root, "alice", "wonderland")
    document = {"Content_Type": "application/resource-lists+xml"}
    assert client.ask("PUT", body=LISTS, **document).status == 201
    answer = client.ask("GET")
    assert answer.read() == LISTS
    etag = answer.headers["ETag"]
    # Brackets and single quotes as they are; a double quote would end the uri of its proof.
    carol = "/~~/resource-lists/list[@name='friends']/entry[@uri='sip:carol@example.com']"
    element = {"Content_Type": "application/xcap-el+xml"}
    assert client.ask("PUT", carol, CAROL, If_Match=etag, **element).status == 201
    assert client.ask("GET", carol).read() == CAROL
    with pytest.raises(HTTPError, match="412"):
        client.ask("PUT", body=LISTS, If_Match=etag, **document)
    with pytest.raises(HTTPError, match="304"):
        client.ask("GET", If_None_Match=client.ask("GET").headers["ETag"])
    assert client.ask("DELETE", carol).status == 200
    assert client.ask("GET").read() == LISTS
    assert client.ask("DELETE").status == 200
    with pytest.raises(HTTPError, match="404"):
        client.ask("GET")
