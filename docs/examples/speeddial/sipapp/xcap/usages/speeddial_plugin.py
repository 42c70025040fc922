"""Makes the speed dial usage known to sipapp."""

from sipapp_speeddial import speedDial

__all__ = ["speedDial"]
