"""C{/healthz} of an HTTP endpoint."""

from __future__ import annotations

from twisted.web.resource import IResource
from zope.interface.verify import verifyObject

from sipapp.interfaces import IResourceMaker, IWebResource
from sipapp.resources import Settings
from sipapp.resources.web import healthMaker


def test_interfaces() -> None:
    verifyObject(IResourceMaker, healthMaker)
    health = healthMaker.make(Settings(), None)
    verifyObject(IWebResource, health)
    assert health.path == "healthz"
    assert IResource.providedBy(health.webResource())
    assert (health.start(), health.stop()) == (None, None)
