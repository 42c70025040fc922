"""C{sipappctl trace}: the messages that a server sees, drawn, in full, or as a capture."""
