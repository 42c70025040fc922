"""What presence refers to (OMA-TS-Presence_SIMPLE_Content_XDM-V1_0)."""

from __future__ import annotations

import pytest

from sipapp.xcap.errors import ConstraintFailure, SchemaValidationError
from sipapp.xcap.names import DocumentName
from sipapp.xcap.usages.prescontent import presenceContent
from tests.xcap.usages.checking import ALICE, BOB, UsageChecks


def content(text: str) -> str:
    return f'<content xmlns="urn:oma:xml:prs:pres-content">{text}</content>'


def icon(kind: str = "image/png", encoding: str = "base64", data: str = "aWNv bg==\n") -> str:
    return content(
        f"<mime-type>{kind}</mime-type><encoding>{encoding}</encoding><data>{data}</data>"
    )


class TestPresenceContent(UsageChecks):
    usage = presenceContent
    name = DocumentName(
        "org.openmobilealliance.pres-content", ALICE, "oma_status-icon/rcs_status_icon"
    )

    @pytest.mark.parametrize(
        "body",
        [
            icon(),
            icon("image/JPEG", "BASE64"),
            content(
                "<mime-type>image/gif</mime-type><encoding>base64</encoding>"
                '<description xml:lang="en">me</description><description>ich</description>'
                '<data>aWNvbg==</data><x xmlns="urn:x"/>'
            ),
        ],
    )
    def test_icon(self, body: str) -> None:
        self.validate(body)

    def test_otherContent(self) -> None:
        other = self.named("greeting/text")
        self.validate(content("<data>Hello</data>"), other)
        self.validate(icon("text/plain"), other)
        self.refused(ConstraintFailure, icon("text/plain", data="a"), other)

    @pytest.mark.parametrize(
        "body", [content(""), content("<data/><mime-type/>"), content("<data><b/></data>")]
    )
    def test_notTheSchema(self, body: str) -> None:
        self.refused(SchemaValidationError, body)

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            (icon("text/html"), "an icon is an image, not text/html"),
            (icon(""), "an icon is an image, not of no type"),
            (icon(encoding="hex"), "the encoding is hex, not base64"),
            (icon(encoding=""), "an icon is encoded in base64, and says so"),
            (icon(data="aWNvbg"), "the data are not base64"),
            (icon(data="aW;Nvbg=="), "the data are not base64"),
            (icon(data="äöü="), "the data are not base64"),
            (icon(data=" "), "there are no data"),
        ],
    )
    def test_noIcon(self, body: str, detail: str) -> None:
        assert self.refused(ConstraintFailure, body).detail == detail

    def test_iconsAreForOthersToSee(self) -> None:
        assert self.usage.mayRead(BOB, self.name)
        assert not self.usage.accepts(self.named("index", ""))
