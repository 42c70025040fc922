"""L{BindingFile.page}: all registrations, by the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipapp.location.bindingfile import BindingFile
from tests.location.contract import START, binding, to

# Longer than a key, so that it is kept under a hash.
LONG = f"sip:{'x' * 600}@example.com"


def pagesOf(file: BindingFile, limit: int) -> list[list[tuple[str, int]]]:
    """
    @return: of each page its addresses-of-record with the number of bindings.
    """
    pages, after = [], b""
    while True:
        found, after = file.page(after, limit)
        pages.append([(aor, len(bindings)) for aor, bindings in found])
        if not after:
            return pages


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages(tmp_path: Path, limit: int) -> None:
    """Each address-of-record is whole, on one page, and there is no empty page at the end."""
    file = BindingFile(tmp_path, 1 << 24)
    two = to(binding(), binding("sip:alice@192.0.2.2"))
    changes = [("sip:b@example.com", two), ("sip:a@example.com", to(binding())), (LONG, two)]
    file.apply([*changes, ("sip:c@example.com", to(binding()))], START)
    # What is kept under a hash comes first.
    everybody = [
        (LONG, 2),
        ("sip:a@example.com", 1),
        ("sip:b@example.com", 2),
        ("sip:c@example.com", 1),
    ]
    pages = pagesOf(file, limit)
    assert [each for page in pages for each in page] == everybody
    assert all(pages)
    assert all(sum(count for _, count in page) >= limit for page in pages[:-1])
    file.close()


def test_nobody(tmp_path: Path) -> None:
    file = BindingFile(tmp_path, 1 << 24)
    assert file.page(b"", 10) == ([], b"")
    file.close()


def test_goesOnWhereItWas(tmp_path: Path) -> None:
    """Whoever comes and goes between two pages: nobody else is missed or seen twice."""
    file = BindingFile(tmp_path, 1 << 24)
    file.apply([(f"sip:{n}@example.com", to(binding())) for n in range(6)], START)
    first, after = file.page(b"", 3)
    file.apply(
        [("sip:2@example.com", to()), ("sip:3@example.com", to()), ("sip:1@a", to(binding()))],
        START,
    )
    second, end = file.page(after, 100)
    seen = [aor for aor, _ in (*first, *second)]
    assert seen == [f"sip:{n}@example.com" for n in (0, 1, 2, 4, 5)]
    assert end == b""
    file.close()
