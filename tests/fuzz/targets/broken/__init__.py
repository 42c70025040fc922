"""Targets that break their promise, each in its own way: what a campaign has to see."""
