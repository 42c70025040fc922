"""Certificates that are near their end."""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509

from sipapp.admin.doctor.checks.check import Checks, Found
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS"]

_SOON = timedelta(days=14)


def certificates(host: Host, demand: Demand) -> Found:
    """Those that the server shows, with the chain in each file."""
    tables = [listen.tls for listen in demand.settings.listen if listen.tls is not None]
    files = [certificate for table in tables for certificate, _ in table.shown]
    own = demand.settings.sip.tls.certificate
    for file in dict.fromkeys([*files, *([own] if own is not None else [])]):
        yield from _inFile(host, file)


def _inFile(host: Host, file: str) -> Found:
    data = host.read(file)
    if data is None:
        return  # whether it can be read is the configuration's concern
    try:
        chain = x509.load_pem_x509_certificates(data)
    except ValueError as error:
        yield Finding(
            "error", "certificates", f"{file}: {error}", "a PEM certificate", "TLS cannot start"
        )
        return
    for certificate in chain:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        left = ends - host.now
        if begins <= host.now and left > _SOON:
            continue
        subject = certificate.subject.rfc4514_string()
        isInForce = begins <= host.now < ends
        yield Finding(
            "warning" if isInForce else "error",
            "certificates",
            f"{file}: {subject} is valid from {begins:%Y-%m-%d} until {ends:%Y-%m-%d}",
            f"valid, and for more than {_SOON.days} days",
            f"in {left.days} days nobody who checks it connects any more"
            if isInForce
            else "nobody who checks it connects",
            f"renew it, and put it at {file}: the workers take it up within ten seconds",
        )


CHECKS: Checks = {"certificates": certificates}
