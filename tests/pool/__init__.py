"""Tests of the pools: processes, their sockets and their control channels."""
