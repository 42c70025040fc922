"""Makes the screening resource known to sipapp."""

from sipapp_screening import screeningMaker

__all__ = ["screeningMaker"]
