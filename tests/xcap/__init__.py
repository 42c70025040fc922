"""Tests of C{sipapp.xcap}."""
