"""The checks, a module for each topic."""

from sipapp.admin.doctor.checks import (
    accepting,
    buffers,
    certificates,
    closing,
    directories,
    files,
    packets,
    ports,
    processes,
    removed,
    workers,
)
from sipapp.admin.doctor.checks.check import Check, Checks

__all__ = ["CHECKS", "LIVE_CHECKS", "Check", "Checks"]

CHECKS: Checks = {
    **files.CHECKS,
    **accepting.CHECKS,
    **closing.CHECKS,
    **ports.CHECKS,
    **buffers.CHECKS,
    **packets.CHECKS,
    **processes.CHECKS,
    **directories.CHECKS,
    **certificates.CHECKS,
    **removed.CHECKS,
}
"""Of what is set."""

LIVE_CHECKS: Checks = {
    **files.LIVE_CHECKS,
    **accepting.LIVE_CHECKS,
    **closing.LIVE_CHECKS,
    **buffers.LIVE_CHECKS,
    **packets.LIVE_CHECKS,
    **workers.LIVE_CHECKS,
}
"""Of what has happened, and of what is in use now."""
