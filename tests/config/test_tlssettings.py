"""Tests of C{sipapp.config.tlssettings}."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipapp.config import CertificateSettings, ClientTLSSettings, TLSSettings


def test_filesAreAbsolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()
    more = CertificateSettings(certificate="other.pem")
    tls = TLSSettings(certificate="tls/certificate.pem", ca="/ca.pem", certificates=(more,))
    client = ClientTLSSettings(ca="ca.pem")
    monkeypatch.chdir("/")
    file, other = f"{here}/tls/certificate.pem", f"{here}/other.pem"
    assert tls.shown == ((file, file), (other, other))
    assert tls.ca == "/ca.pem"
    assert client.ca == f"{here}/ca.pem"


def test_givenKeysWin() -> None:
    more = CertificateSettings(certificate="/d", privateKey="/l")
    tls = TLSSettings(certificate="/c", privateKey="/k", certificates=(more,))
    assert tls.shown == (("/c", "/k"), ("/d", "/l"))
