"""Tests of the SIP core. They mirror its modules."""
