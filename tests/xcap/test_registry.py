"""Which application usages there are."""

from __future__ import annotations

import pytest
from zope.interface.verify import verifyObject

from sipapp.interfaces import IApplicationUsage
from sipapp.xcap.registry import NoSuchUsage, applicationUsages

BUILT_IN = [
    "org.openmobilealliance.pres-content",
    "org.openmobilealliance.pres-rules",
    "org.openmobilealliance.xcap-directory",
    "pidf-manipulation",
    "pres-rules",
    "resource-lists",
    "rls-services",
    "xcap-caps",
]


def test_all() -> None:
    usages = applicationUsages()
    assert list(usages) == BUILT_IN
    assert all(usage.auid == auid for auid, usage in usages.items())


@pytest.mark.parametrize("auid", BUILT_IN)
def test_providesTheInterface(auid: str) -> None:
    assert verifyObject(IApplicationUsage, applicationUsages()[auid])


def test_some() -> None:
    assert list(applicationUsages(["xcap-caps", "pres-rules"])) == ["pres-rules", "xcap-caps"]
    assert list(applicationUsages([])) == []


def test_unknown() -> None:
    with pytest.raises(NoSuchUsage, match="there is no application usage 'a', only "):
        applicationUsages(["xcap-caps", "a"])
