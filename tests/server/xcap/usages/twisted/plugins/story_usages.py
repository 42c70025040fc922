"""The application usages of the examples in RFC 4825. They do not exist but there, and ask nothing
of their documents."""

from sipapp.xcap.usage import ApplicationUsage


class Test(ApplicationUsage):
    """That of §6.4 and §10."""

    auid = "test"
    mimeType = "application/test+xml"
    namespace = "urn:test:default-namespace"


class Watchers(ApplicationUsage):
    """That of §6.3 and §7.4."""

    auid = "watchers"
    mimeType = "application/watcherinfo+xml"
    namespace = "urn:ietf:params:xml:ns:watcherinfo"


class Creation(ApplicationUsage):
    """That of §8.2.3, whose document is in no namespace."""

    auid = "creation"
    mimeType = "application/creation+xml"
    namespace = ""


test = Test()
watchers = Watchers()
creation = Creation()
