"""Tests of the methods that operators call."""
