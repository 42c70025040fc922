"""The location service: which contacts an address-of-record is bound to (RFC 3261 §10)."""

from sipapp.location.binding import Binding
from sipapp.location.lmdbstore import LMDBLocation, LocationStoreFull
from sipapp.location.maintenance import LocationMaintenance, NotRunning
from sipapp.location.memory import MemoryLocation
from sipapp.location.outcome import LocationUnavailable

__all__ = [
    "Binding",
    "LMDBLocation",
    "LocationMaintenance",
    "LocationStoreFull",
    "LocationUnavailable",
    "MemoryLocation",
    "NotRunning",
]
