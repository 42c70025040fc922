"""Asks those who use a web resource who they are: by Digest (RFC 7616), and by Basic (RFC 7617)
where nobody listens, against the accounts that SIP has."""

from sipapp.resources.web.authentication.guard import SchemeName, WebAuthentication

__all__ = ["SchemeName", "WebAuthentication"]
