"""Tests of C{sipapp.resources.xmlrpc}; C{tests/server/test_xmlrpc.py} calls methods of a server."""
