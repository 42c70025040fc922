"""Makes all checks, and shows what they have found."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sipapp.admin.doctor.checks import CHECKS, LIVE_CHECKS, Check
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import SEVERITIES, Finding, Severity
from sipapp.admin.doctor.host import Host

__all__ = ["EXIT_CODES", "Report", "examine"]

EXIT_CODES: Mapping[Severity | None, int] = {None: 0, "note": 0, "warning": 3, "error": 4}
"""The exit code by the worst finding. 1 and 2 mean what they mean for all of our commands."""


class Report(msgspec.Struct, frozen=True):
    """What has been found.

    @ivar checks: how many checks have been made.
    @ivar findings: the worst first.
    @ivar unseen: settings of the kernel that could not be read.
    """

    checks: int
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...] = ()

    @property
    def worst(self) -> Severity | None:
        """Of the findings, if there are any."""
        return self.findings[0].severity if self.findings else None

    @property
    def exitCode(self) -> int:
        return EXIT_CODES[self.worst]

    @property
    def summary(self) -> str:
        """One line."""
        counts = []
        for severity in SEVERITIES:
            names = [each.name for each in self.findings if each.severity == severity]
            if names:
                plural = "" if len(names) == 1 else "s"
                unique = ", ".join(dict.fromkeys(names))
                counts.append(f"{len(names)} {severity}{plural} ({unique})")
        return f"{self.checks} checks: {'; '.join(counts) or 'all well'}"

    def toText(self) -> str:
        """For people; every line ends with a newline."""
        lines = []
        for each in self.findings:
            lines.append(f"{each.severity.upper()} {each.name}: {each.current}")
            lines.append(f"    wanted  {each.wanted}")
            lines.append(f"    why     {each.why}")
            if each.mend:
                lines.append(f"    mend    {each.mend}")
            lines.append("")
        if any(each.mend.startswith("sysctl -w ") for each in self.findings):
            lines.append(
                "What follows sysctl -w lasts until the next boot; in a file of /etc/sysctl.d,"
                " such as 60-sipapp.conf, it stays."
            )
        if self.unseen:
            lines.append(f"Not to be seen from here: {', '.join(self.unseen)}")
        lines.append(self.summary)
        return "".join(f"{line}\n" for line in lines)

    def toJSON(self) -> str:
        """For programs: the same, as one object."""
        document = {
            "severity": self.worst,
            "checks": self.checks,
            "findings": self.findings,
            "unseen": self.unseen,
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def examine(host: Host, demand: Demand, live: bool = True) -> Report:
    """
    @param live: whether to look at the counters of the kernel too, and not only at what is set.
    """
    checks: dict[str, Check] = {**CHECKS, **(LIVE_CHECKS if live else {})}
    findings = [finding for check in checks.values() for finding in check(host, demand)]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Report(len(checks), tuple(findings), tuple(dict.fromkeys(host.unseen)))
