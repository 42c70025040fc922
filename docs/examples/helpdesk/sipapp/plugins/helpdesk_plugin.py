"""Makes the methods of the help desk known to sipapp."""

from sipapp_helpdesk import helpDesk

__all__ = ["helpDesk"]
