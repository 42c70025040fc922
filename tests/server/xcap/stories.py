"""The stories in C{tests/corpus/xcap}: what RFC 4825 and RFC 4826 tell as examples, request by
request."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

CORPUS = Path(__file__).parents[2] / "corpus" / "xcap"
STORIES = sorted(path.stem for path in CORPUS.glob("*.toml"))


class Step(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """
    A request, and what has to come of it: C{tests/corpus/README.md} says what the keys are.
    """

    what: str
    line: str
    status: int
    user: str | None = msgspec.field(default=None, name="as")
    type: str | None = None
    body: str | None = None
    when: dict[str, str] = {}
    gives: str | None = None
    means: str | None = None
    leaves: str | None = None
    conflict: tuple[str, ...] = ()
    ancestor: str | None = None
    alternatives: bool = False
    allow: tuple[str, ...] = ()
    bindings: dict[str, str] = {}
    element: str | None = None
    then: str | None = None

    @property
    def method(self) -> str:
        return self.line.partition(" ")[0]

    @property
    def target(self) -> str:
        return self.line.partition(" ")[2]

    @property
    def document(self) -> str:
        """The path of the document that it is about."""
        return self.target.partition("/~~")[0]

    @property
    def owner(self) -> str:
        """Whose document it is; those of global trees are the resource list server's to read."""
        _, _, tree, user, *_ = f"{self.document}/".split("/")
        return user.removeprefix("sip:").partition("@")[0] if tree == "users" else SERVER


#: Who may read and write everything.
SERVER = "rls"


def story(name: str) -> list[Step]:
    """
    @param name: one of L{STORIES}.
    """
    text = (CORPUS / f"{name}.toml").read_text("utf-8")
    steps = msgspec.convert(tomllib.loads(text)["request"], list[Step])
    for step in steps:
        for key in ("body", "gives", "means", "leaves"):
            value = getattr(step, key)
            # The line end in front of the quotes that end it is only for whoever reads the file.
            setattr(step, key, value and value.removesuffix("\n"))
    return steps
