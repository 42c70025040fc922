"""The doctor: reads a configuration, the limits and the live kernel, and says what does not fit,
with the line that mends it.

Nothing is imported here: C{sipappctl status} shows findings and makes no checks.
"""
