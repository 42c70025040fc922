"""What an operator reaches the server with."""

__all__: list[str] = []
