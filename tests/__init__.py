"""The tests, laid out like the code; C{server} and C{peers} run the whole of it for real."""
