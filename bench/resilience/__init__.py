"""Whether calls survive what happens to the server: C{make resilience}.

Each I{line} starts a server, puts it under load, disturbs it and counts what the load noticed. What
counts is what the other side sees: sipp, or a client of our own, never the server's word.
"""
