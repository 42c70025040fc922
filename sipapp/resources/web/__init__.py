"""Resources that serve a part of an HTTP endpoint's URL space."""

from sipapp.resources.web.health import healthMaker
from sipapp.resources.web.metrics import metricsMaker
from sipapp.resources.web.readiness import readyMaker
from sipapp.resources.web.status import statusMaker

__all__ = ["healthMaker", "metricsMaker", "readyMaker", "statusMaker"]
