"""Makes the broken resource known to sipapp."""

from bench_broken import brokenMaker

__all__ = ["brokenMaker"]
