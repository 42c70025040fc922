"""Resources that serve a part of an HTTP endpoint's URL space."""

from sipapp.resources.web.health import healthMaker

__all__ = ["healthMaker"]
