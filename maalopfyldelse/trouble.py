"""The machine's trouble in words: no room on the disk, a folder that cannot be written, too little memory.

Here belongs what tells such an error from a defect of ours, whichever library raised it, and what a person can do about it. Files
that are bad are intake's business, and so is a stored file that has changed.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BARRED = {errno.EACCES, errno.EPERM}
_STANDS = "Nothing half-made counts: what was published stands, and the next run completes the rest."


def told(error: BaseException) -> str | None:
    """What a person should know of an error, or of one that led to it, when it is the machine's trouble; None for any other."""
    for one in _led_to(error):
        if text := _told(one):
            return f"{text} {_STANDS}"
    return None


def _led_to(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        original = getattr(at, "orig", None)  # SQLAlchemy's name for what the database raised
        if isinstance(original, BaseException):
            yield original
        at = at.__cause__ or at.__context__


def _told(error: BaseException) -> str | None:
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in _ROOM:
            return f"There is no room left on the disk{where}. Make room where the home lies and run again."
        if error.errno == errno.EROFS:
            return f"The home cannot be written: {error.strerror}{where}. Let the program's user write there and run again."
        if error.errno in _BARRED:
            return f"The program's user may not read or write{where or ' a file'}: {error.strerror}. Give it the right and run again."
        if error.errno == errno.EIO:
            return f"The disk does not read or write{where}: {error.strerror}. Look to the disk and run again."
        return None
    if type(error).__module__.partition(".")[0] in ("sqlite3", "duckdb", "_duckdb", "pyarrow") or isinstance(error, MemoryError):
        return in_text(f"{type(error).__name__}: {error}")
    return None


def in_text(text: str) -> str | None:
    """The trouble that an engine's message tells of, where only the text of its error is there; None when it tells of another."""
    if re.search(r"no space left|disk is full|disk quota|max_temp_directory_size", text, re.IGNORECASE):
        return "There is no room left on the disk for the home or what the engine spills to it. Make room there and run again."
    if re.search(r"disk i/o error", text, re.IGNORECASE):  # SQLite's word for both
        return "There is no room left on the disk that holds the home, or the disk fails. See to it and run again."
    if re.search(r"out ?of ?memory|MemoryError", text, re.IGNORECASE):
        return (
            "There is not enough memory. Give the engine more (MAAL_MEMORY_LIMIT, such as 4GB), fewer threads (MAAL_THREADS), or "
            "room in the home's tmp/ to spill to, and run again."
        )
    if re.search(r"readonly database|read-only file system|permission denied|unable to open database", text, re.IGNORECASE):
        return "The home cannot be written. Let the program's user write there and run again."
    return None
