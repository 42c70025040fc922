"""Makes the provider known to sipapp."""

from sipapp_callpost import callPostMaker

__all__ = ["callPostMaker"]
