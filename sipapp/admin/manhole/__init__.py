"""The manhole: a Python console in the running server, over SSH.

Nothing is imported here: workers have the part of it that evaluates, and no SSH.
"""
