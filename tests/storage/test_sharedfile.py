"""What the files of LMDB have in common."""

from __future__ import annotations

from pathlib import Path

from sipapp.sharedfile import SharedFile


def test_theTableOfReadersHasItsRoom(tmp_path: Path) -> None:
    """Where a disk becomes full, nobody is killed who is the first to touch a page of it."""
    file = SharedFile(tmp_path / "file", 1 << 20, 1, 1024)
    table = (tmp_path / "file" / "lock.mdb").stat()
    assert table.st_blocks * 512 >= table.st_size == 1026 * 64
    file.environment.close()
    # One that was made before.
    with open(tmp_path / "file" / "lock.mdb", "r+b") as hole:
        hole.truncate(0)
        hole.truncate(table.st_size)
    SharedFile(tmp_path / "file", 1 << 20, 1, 1024).environment.close()
    assert (tmp_path / "file" / "lock.mdb").stat().st_blocks == table.st_blocks
