"""sipapp beside Kamailio, on the same machine and in the same run: C{make bench}.

A I{cell} is a scenario over a transport with a number of workers. The servers of a cell all run,
and one after the other gets the same load from sipp, round after round. What is compared is what
the kernel says of their processes and what sipp counts, never a server's own word.
"""
