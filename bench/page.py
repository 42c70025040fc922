"""The part of a page of the documentation that a program writes."""

from __future__ import annotations

from collections.abc import Iterable

_END = "<!-- To here. -->"


def withResults(text: str, author: str, blocks: Iterable[str]) -> str:
    """
    @param text: Markdown with a place for what the author has found.
    @param author: the module that writes it.
    @param blocks: paragraphs and tables.
    @return: the same with them in the place of those of the last time.
    @raise ValueError: if there is no place.
    """
    begin = f"<!-- What stands from here on is written by {author}. -->"
    before, _, rest = text.partition(begin)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"there is no place for the tables: {begin} ... {_END}")
    return "\n\n".join([before + begin, *blocks, _END + after])
