"""A real server, looked at from outside: its processes, its sockets and what it answers."""
