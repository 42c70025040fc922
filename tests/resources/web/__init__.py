"""Tests of C{sipapp.resources.web}: what HTTP endpoints serve."""
