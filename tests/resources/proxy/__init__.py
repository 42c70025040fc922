"""Tests of the proxy, rule by rule and as timelines."""
