"""XCAP over HTTP, against a real server with several workers."""
