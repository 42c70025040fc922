"""The commands of C{sipappctl} that ask a running server."""

__all__: list[str] = []
