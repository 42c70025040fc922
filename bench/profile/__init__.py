"""What a worker does while it has something to do: a flame graph, and the dearest functions.

    python -m bench.profile call            # or options, register
    python -m bench.profile call --native   # with the functions of C extensions and the interpreter

The server and its load are those of L{bench.compare}. py-spy looks at the worker from outside (see
docs/decisions): the worker runs at its full speed, as it is.
"""
