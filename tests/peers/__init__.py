"""A real server and programs that others wrote: phones, load generators, torture messages."""
