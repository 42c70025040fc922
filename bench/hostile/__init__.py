"""What a good client notices of an attack: C{make hostile}.

Each I{line} starts a server, attacks it from a process of its own, and asks it meanwhile what a
good client asks. A line holds if every answer has come soon enough, and the server afterwards is
what it was before: the same workers, no descriptor more, its memory back.
"""
