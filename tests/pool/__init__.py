"""Tests of the pools: processes, their sockets and their control channels."""

import sys

#: The command line of the worker that the tests start.
WORKER = (sys.executable, "-m", "tests.pool.workerscript")
