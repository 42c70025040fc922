"""The check of certificates."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sipapp.admin.doctor.checks import CHECKS
from tests.admin.doctor.surroundings import SERVER, build, demand, host
from tests.support.certificates import LIFETIME, CertificateAuthority

SECURE = """
[[listen]]
address = "192.0.2.1"
transport = "tls"
tls = {certificate = "/etc/sipapp/certificate.pem"}
"""


@pytest.mark.parametrize(
    ("later", "severity", "part"),
    [
        (timedelta(0), "warning", "in 1 days"),
        (timedelta(days=-12, hours=-2), "error", "nobody who checks it connects"),
        (2 * LIFETIME, "error", "nobody who checks it connects"),
    ],
)
def test_certificates(
    tmp_path: Path,
    serverCertificate: tuple[Path, Path],
    later: timedelta,
    severity: str,
    part: str,
) -> None:
    """Near their end, over, or not yet in force."""
    root = build(tmp_path)
    shutil.copy(serverCertificate[0], _place(root))
    machine = host(root)
    machine.now = datetime.now(UTC) + later
    (finding,) = CHECKS["certificates"](machine, demand(SERVER + SECURE))
    assert (finding.name, finding.severity) == ("certificates", severity)
    assert "/etc/sipapp/certificate.pem: CN=localhost" in finding.current
    assert part in finding.why
    assert "/etc/sipapp/certificate.pem" in finding.mend


def test_garbage(tmp_path: Path) -> None:
    root = build(tmp_path)
    _place(root).write_text("no certificate")
    (finding,) = CHECKS["certificates"](host(root), demand(SERVER + SECURE))
    assert finding.severity == "error"


def test_unreadable(tmp_path: Path) -> None:
    """The configuration cannot be used then, which is said elsewhere."""
    assert list(CHECKS["certificates"](host(build(tmp_path)), demand(SERVER + SECURE))) == []


def test_good(tmp_path: Path, authority: CertificateAuthority) -> None:
    """Nobody complains of it for as long as there are more than 14 days left."""
    root = build(tmp_path)
    file, _ = authority.issue("lasting.test", lifetime=timedelta(days=20))
    shutil.copy(file, _place(root))
    machine, check, asked = host(root), CHECKS["certificates"], demand(SERVER + SECURE)
    now = datetime.now(UTC)
    for days, severities in ((0, []), (5, []), (7, ["warning"]), (21, ["error"])):
        machine.now = now + timedelta(days=days)
        assert [each.severity for each in check(machine, asked)] == severities
    assert list(check(machine, demand())) == []


def _place(root: Path) -> Path:
    directory = root / "etc/sipapp"
    directory.mkdir(parents=True)
    return directory / "certificate.pem"
