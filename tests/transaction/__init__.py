"""The transaction room, tested with a virtual clock and without a network."""
