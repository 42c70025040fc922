"""What HTTP endpoints serve, declared as plugins."""

from __future__ import annotations

from sipapp.resources.maker import ResourceMaker, Settings, imported
from sipapp.resources.web.settings import MetricsSettings, StatusSettings

__all__ = ["healthMaker", "metricsMaker", "readyMaker", "statusMaker"]

healthMaker = ResourceMaker(
    "health", "web", Settings, imported("sipapp.resources.web.health:Health")
)
readyMaker = ResourceMaker(
    "ready", "web", Settings, imported("sipapp.resources.web.readiness:Readiness")
)
metricsMaker = ResourceMaker(
    "metrics", "web", MetricsSettings, imported("sipapp.resources.web.metrics:Metrics")
)
statusMaker = ResourceMaker(
    "status", "web", StatusSettings, imported("sipapp.resources.web.status:Status")
)
