"""Resources: what a worker does with the requests that reach an endpoint."""

from sipapp.resources.maker import ResourceMaker, Settings, imported

__all__ = ["ResourceMaker", "Settings", "imported"]
