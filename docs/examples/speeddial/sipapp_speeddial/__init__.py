"""Which short numbers a user has, and whom they call: an XCAP application usage."""

from __future__ import annotations

from pathlib import Path

from sipapp.xcap.errors import ConstraintFailure
from sipapp.xcap.names import DocumentName
from sipapp.xcap.uniqueness import Duplicates
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Element, Schema

NAMESPACE = "urn:example:speed-dial"
NUMBER = f"{{{NAMESPACE}}}number"


class SpeedDial(ApplicationUsage):
    """One document for each user, C{index}. No digits may be there twice."""

    auid = "org.example.speed-dial"
    mimeType = "application/vnd.example.speed-dial+xml"
    namespace = NAMESPACE
    schema = Schema(
        f"{{{NAMESPACE}}}speed-dial", str(Path(__file__).with_name("speed-dial.xsd").absolute())
    )

    def accepts(self, name: DocumentName) -> bool:
        return not name.isGlobal and name.path == "index"

    def constrain(self, root: Element, name: DocumentName) -> None:
        duplicates = Duplicates(NAMESPACE)
        duplicates.among(root.iterchildren(NUMBER), "digits", alternatives=free)
        duplicates.refuse()
        for number in root.iterchildren(NUMBER):
            if number.get("uri") == name.xui:
                raise ConstraintFailure(f"{number.get('digits')} would call {name.xui} itself")


def free(digits: str, taken: set[str]) -> tuple[str, ...]:
    """
    @return: up to three digits that are not taken, nearest first.
    """
    others = sorted((str(n) for n in range(1000)), key=lambda n: abs(int(n) - int(digits)))
    return tuple(n for n in others if n not in taken)[:3]


speedDial = SpeedDial()
