"""Documents over HTTP, on a server whose workers are two processes."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import ServerStarter
from tests.support import netsockets
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.digest import Digest
from tests.support.httpclient import Basic, HTTPClient
from tests.support.server import Server
from tests.support.users import addUsers

LISTS = "application/resource-lists+xml"
ELEMENT = "application/xcap-el+xml"
INDEX = f"/xcap-root/resource-lists/users/sip:alice@{DOMAIN}/index"
FRIENDS = f"{INDEX}/~~/resource-lists/list%5B@name=%22friends%22%5D"
DOCUMENT = b"""<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="friends"><!-- none yet --></list>
</resource-lists>
"""
SERVICES = """<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">
  <service uri="{uri}"><list/></service>
</rls-services>
"""


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.listen("http", workers=2, resources=["xcap", "health"])
    configuration.listen("https", workers=1, resources=["xcap"])
    configuration.table("server", domains=[DOMAIN, "example.net"])
    addUsers(configuration, {"alice": "secret", "bob": "hidden"})
    addUsers(configuration, {"carol": "singer"}, realm="example.net")
    return startServer(configuration)


@pytest.fixture
def clients(server: Server) -> Iterator[list[HTTPClient]]:
    """Alice, with a connection to each worker."""
    address = server.endpoint("http").address
    made: list[HTTPClient] = []
    held: list[HTTPClient] = []
    for name in ("http-0/0", "http-0/1"):
        pid = server.workers()[name]
        for _ in range(100):
            client = HTTPClient(address, Digest("alice", "secret"))
            made.append(client)
            client.get("/healthz")
            connection = netsockets.acceptedConnection(address, client.socket.getsockname())
            if connection is not None and connection.inode in netsockets.inodes(pid):
                held.append(client)
                break
        else:
            raise AssertionError(f"none of 100 connections has come to {name}")
    yield held
    for client in made:
        client.close()


def test_workersHaveTheSameDocuments(clients: list[HTTPClient]) -> None:
    one, other = clients
    # The challenge of one worker is answered to both.
    other.user = one.user
    assert one.get(INDEX).status == 404
    created = one.put(INDEX, LISTS, DOCUMENT)
    assert created.status == 201, created
    got = other.get(INDEX)
    assert (got.status, got.body, got.etag) == (200, DOCUMENT, created.etag)
    entry = b'<entry uri="sip:bill@example.com"/>'
    uri = f"{FRIENDS}/entry%5B1%5D"
    inserted = other.put(uri, ELEMENT, entry, [("If-Match", got.etag)])
    assert inserted.status == 201, inserted
    assert one.put(uri, ELEMENT, entry, [("If-Match", got.etag)]).status == 412
    assert one.get(uri, [("If-None-Match", inserted.etag)]).status == 304
    assert one.get(INDEX).body == DOCUMENT.replace(b"yet -->", b"yet -->" + entry)
    assert one.delete(INDEX).status == 200
    assert other.get(INDEX).status == 404


def test_changesWithoutConditionsAreAllMade(clients: list[HTTPClient]) -> None:
    """Who does not ask for anything to be so has a change made of whatever is there."""
    assert clients[0].put(INDEX, LISTS, DOCUMENT).status == 201
    names = [[f"sip:{place}-{count}@example.com" for count in range(25)] for place in "ab"]

    def insert(client: HTTPClient, uris: list[str]) -> list[int]:
        return [
            client.put(
                f"{FRIENDS}/entry%5B@uri=%22{uri}%22%5D", ELEMENT, f'<entry uri="{uri}"/>'.encode()
            ).status
            for uri in uris
        ]

    with ThreadPoolExecutor() as threads:
        statuses = list(threads.map(insert, clients, names))
    assert statuses == [[201] * 25] * 2
    body = clients[0].get(INDEX).body
    assert [uri for uris in names for uri in uris if f'"{uri}"'.encode() not in body] == []


def test_strangersAndOthers(server: Server) -> None:
    address = server.endpoint("http").address
    with HTTPClient(address) as stranger, HTTPClient(address, Digest("bob", "hidden")) as bob:
        challenge = stranger.get(INDEX)
        assert challenge.status == 401
        assert f'realm="{DOMAIN}"' in challenge.getAll("www-authenticate")[0]
        assert not any(each.startswith("Basic") for each in challenge.getAll("www-authenticate"))
        assert bob.get(INDEX).status == 403
        assert bob.put(INDEX, LISTS, DOCUMENT).status == 403
        # A service is not called as a user is, whoever it belongs to (RFC 4826 §4.4.5).
        services = f"/xcap-root/rls-services/users/sip:bob@{DOMAIN}/index"
        for name, status in (("alice", 409), ("bob", 409), ("team", 201)):
            body = SERVICES.format(uri=f"sip:{name}@{DOMAIN}").encode()
            assert bob.put(services, "application/rls-services+xml", body).status == status


def test_usersOfAnotherDomain(server: Server) -> None:
    """They log in to a realm of their own; the name of the host tells which, if nothing else."""
    address = server.endpoint("http").address
    uri = "/xcap-root/resource-lists/users/sip:carol@example.net/index"
    capabilities = "/xcap-root/xcap-caps/global/index"
    with HTTPClient(address, Digest("carol", "singer"), host="xcap.example.net") as carol:
        assert carol.get(capabilities).status == 200
        assert carol.put(uri, LISTS, DOCUMENT).status == 201
        assert carol.get(INDEX).status == 401
    with HTTPClient(address, Digest("alice", "secret")) as alice:
        assert alice.get(capabilities).status == 200
        assert alice.get(uri).status == 401


def test_basicOverTLS(server: Server, authority: CertificateAuthority) -> None:
    trusting = ssl.create_default_context(cafile=str(authority.file))
    address = server.endpoint("https").address
    with HTTPClient(address, Basic("alice", "secret"), trusting) as alice:
        assert alice.put(INDEX, LISTS, DOCUMENT).status == 201
        assert alice.get(f"{FRIENDS}/@name").body == b"friends"
    # It is the same tree, whichever endpoint one comes by.
    with HTTPClient(server.endpoint("http").address, Digest("alice", "secret")) as alice:
        assert alice.get(INDEX).body == DOCUMENT
    with HTTPClient(address, Basic("alice", "wrong"), trusting) as somebody:
        assert somebody.get(INDEX).status == 401


def test_documentsOutliveTheServer(
    server: Server, clients: list[HTTPClient], startServer: ServerStarter
) -> None:
    assert clients[0].put(INDEX, LISTS, DOCUMENT).status == 201
    server.stop()
    again = startServer(server.configuration)
    with HTTPClient(again.endpoint("http").address, Digest("alice", "secret")) as alice:
        assert alice.get(INDEX).body == DOCUMENT
