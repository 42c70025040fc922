"""A page for browsers that shows how the server is: C{/status/}."""

from sipapp.resources.web.status.resource import Status, StatusSettings, statusMaker

__all__ = ["Status", "StatusSettings", "statusMaker"]
