"""Tests of what traces follow and show."""
