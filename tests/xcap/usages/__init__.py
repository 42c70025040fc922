"""Tests of C{sipapp.xcap.usages}."""
