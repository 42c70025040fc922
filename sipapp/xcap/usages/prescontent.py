"""What presence refers to, such as the icon of a user: C{org.openmobilealliance.pres-content}
(OMA-TS-Presence_SIMPLE_Content_XDM-V1_0)."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from sipapp.xcap.errors import ConstraintFailure
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Element, Schema

if TYPE_CHECKING:
    from sipapp.xcap.names import DocumentName

__all__ = ["PresenceContent", "presenceContent"]

_NAMESPACE = "urn:oma:xml:prs:pres-content"
_ICONS = "oma_status-icon/"
_SPACE = dict.fromkeys(map(ord, " \t\r\n"))


class PresenceContent(ApplicationUsage):
    """Documents of users that other users may read: those who are shown somebody's presence find
    the URI of the icon in it, and fetch it. The schema is of our making."""

    auid = "org.openmobilealliance.pres-content"
    mimeType = "application/vnd.oma.pres-content+xml"
    namespace = _NAMESPACE
    schema = Schema(f"{{{_NAMESPACE}}}content", "pres-content.xsd")

    def accepts(self, name: DocumentName) -> bool:
        return not name.isGlobal

    def mayRead(self, user: str | None, name: DocumentName) -> bool:
        return user is not None

    def constrain(self, root: Element, name: DocumentName) -> None:
        encoding = _text(root, "encoding")
        if encoding and encoding.lower() != "base64":
            raise ConstraintFailure(f"the encoding is {encoding}, not base64")
        if name.path.startswith(_ICONS):
            kind = _text(root, "mime-type").lower()
            if not kind.startswith("image/"):
                raise ConstraintFailure(f"an icon is an image, not {kind or 'of no type'}")
            if not encoding:
                raise ConstraintFailure("an icon is encoded in base64, and says so")
        if encoding:
            _checkBase64(_text(root, "data"))


def _text(root: Element, name: str) -> str:
    return (root.findtext(f"{{{_NAMESPACE}}}{name}") or "").strip()


def _checkBase64(data: str) -> None:
    try:
        content = binascii.a2b_base64(data.translate(_SPACE).encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ConstraintFailure("the data are not base64") from None
    if not content:
        raise ConstraintFailure("there are no data")


presenceContent = PresenceContent()
