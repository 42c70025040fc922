"""Many phones that stay connected over TCP, and calls that go through their connections."""
