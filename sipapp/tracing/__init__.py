"""Following messages while they come and go: whom a trace follows, what it shows of a message, and
who looks at them in a worker."""

from sipapp.tracing.masking import masked
from sipapp.tracing.sighting import HostPort, Report, Sighting, Traced
from sipapp.tracing.subject import Subject
from sipapp.tracing.tracer import Tracer

__all__ = ["HostPort", "Report", "Sighting", "Subject", "Traced", "Tracer", "masked"]
