"""Resources that serve a part of an HTTP endpoint's URL space."""

from sipapp.resources.web.makers import healthMaker, metricsMaker, readyMaker, statusMaker

__all__ = ["healthMaker", "metricsMaker", "readyMaker", "statusMaker"]
