"""Tests of C{sipapp.rpc}."""
