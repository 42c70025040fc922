"""Benchmarks that anyone can run: see the C{bench} targets of the Makefile."""
