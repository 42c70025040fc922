"""The XCAP server as a web resource: C{/xcap-root} and all that is below it."""

from __future__ import annotations

from functools import partial
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import INTERNAL_SERVER_ERROR, NOT_MODIFIED, SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from sipapp.interfaces import IWebResource
from sipapp.resources.web.about import aboutRequest
from sipapp.resources.web.authentication import WebAuthentication
from sipapp.resources.xcap.access import Access, Unauthenticated
from sipapp.resources.xcap.answer import Answer, refusal
from sipapp.resources.xcap.domains import Domains
from sipapp.resources.xcap.exchange import respond
from sipapp.resources.xcap.settings import XCAPSettings
from sipapp.storage import DocumentChanged, DocumentsUnavailable
from sipapp.xcap.conditions import NotModified
from sipapp.xcap.errors import XCAPError
from sipapp.xcap.operations import Target
from sipapp.xcap.registry import applicationUsages
from sipapp.xcap.root import XCAPRoot
from sipapp.xcap.selector import parseSelector

__all__ = ["XCAP", "Tree"]

_log = Logger()

_REPAIR = 60
"""Seconds after which it is worth while to look whether the documents are there again."""


class Tree(Resource):
    """All URIs below the XCAP root. What they mean is for selectors to say: C{twisted.web} decodes
    a path before it divides it, and the other way round an encoded slash stays what it is."""

    isLeaf = True

    def __init__(self, root: XCAPRoot, domain: str, access: Access, settings: XCAPSettings) -> None:
        """
        @param root: its C{uri} is that of no request.
        @param domain: the one of users that are called by their name alone.
        """
        super().__init__()
        self._root = root
        self._domain = domain
        self._access = access
        self._settings = settings

    def render(self, request: Any) -> int:
        answering = Deferred.fromCoroutine(self._answer(request))
        # Who has hung up is not waited for. What is on its way into the store gets there.
        request.notifyFinish().addErrback(lambda _: answering.cancel())
        answering.addErrback(partial(_failed, request))
        answering.addCallback(lambda answer: None if answer is None else answer.write(request))
        answering.addErrback(partial(_log.failure, "An answer could not be written"))
        return NOT_DONE_YET

    async def _answer(self, request: Any) -> Answer:
        document = uri = rootURI(request)
        try:
            target = Target.of(parseSelector(*_belowRoot(request)), self._root, self._domain)
            document = f"{uri}/{target.name.toPath()}"
            root = replace(self._root, uri=uri)
            return await respond(request, target, root, self._access, self._settings)
        except XCAPError as error:
            return refusal(error, document)
        except NotModified as unchanged:
            return Answer(NOT_MODIFIED, etag=unchanged.etag)
        except Unauthenticated as stranger:
            stranger.authentication.challenge(request)
            return Answer.text(None, "this needs a proof of who asks for it")
        except DocumentChanged:
            return Answer.text(SERVICE_UNAVAILABLE, "too many change this at once", retryAfter=1)
        except DocumentsUnavailable:
            return Answer.text(
                SERVICE_UNAVAILABLE, "documents are out of reach", retryAfter=_REPAIR
            )


def _failed(request: Any, failure: Failure) -> Answer | None:
    """
    @return: what to say after an error of ours or of the machine; C{None} if nobody listens.
    """
    if failure.check(CancelledError):
        return None
    _log.failure("An XCAP request has failed", failure, about=aboutRequest(request))
    return Answer.text(INTERNAL_SERVER_ERROR, "the server has failed")


def _belowRoot(request: Any) -> tuple[bytes, bytes]:
    """
    @return: what follows the root in the path of a request, and its query, as they have come.
    """
    path, _, query = request.uri.partition(b"?")
    segments = path.removeprefix(b"/").split(b"/")
    return b"/".join(segments[len(request.prepath) :]), query


def rootURI(request: Any) -> str:
    """
    @return: the URI of the root that a request is below, in the words of the client, without a
        slash at its end.
    """
    scheme = "https" if request.isSecure() else "http"
    host = (request.getHeader(b"Host") or request.getRequestHostname()).decode("latin-1")
    path = b"".join(b"/" + segment for segment in request.prepath).decode("latin-1")
    return f"{scheme}://{host}{path}"


@implementer(IWebResource)
class XCAP:
    """Serves the documents of users (RFC 4825), checked by the application usages."""

    def __init__(self, settings: XCAPSettings, worker: Any) -> None:
        """
        @raise ValueError: if there is no domain, or no way to log in.
        """
        domain = settings.domain or worker.domain
        if domain is None:
            raise ValueError("domain: missing, and the server has none either")
        self.path = settings.path
        domains = Domains(worker.domains, domain, settings.realms)
        authentications = {
            realm: WebAuthentication(
                worker,
                realm,
                settings.schemes,
                settings.algorithms,
                nonceLifetime=settings.nonceLifetime,
            )
            for realm in domains.realms
        }
        usages = applicationUsages(settings.usages)
        isUser = partial(domains.isUser, accounts=worker.accounts)
        root = XCAPRoot("", usages, worker.documents, isUser)
        self._tree = Tree(root, domain, Access(domains, authentications), settings)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def webResource(self) -> Resource:
        return self._tree
