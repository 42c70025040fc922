"""A SIP application server on Twisted: a pool of processes for each listen endpoint."""

__all__ = ["__version__"]

__version__ = "0.1.0"
