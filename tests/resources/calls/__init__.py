"""Tests of call records: what providers promise, and how records come to them."""
