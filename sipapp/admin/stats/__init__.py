"""What a server has counted: gathered from its workers, put together, and told."""

__all__: list[str] = []
