"""A page for browsers that shows how the server is: C{/status/}."""

from sipapp.resources.web.status.resource import Status

__all__ = ["Status"]
