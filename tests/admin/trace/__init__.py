"""Tests of the traces that people see."""
