"""What makes the inputs up: a program for each, run as C{python -m tests.fuzz.means.NAME}."""
