"""Tests of what a server tells of what it has counted."""
