"""A packed delivery unpacked: gzip, or a zip of exactly one file, known by its first bytes whatever its name.

It is unpacked a piece at a time into a folder that the caller removes, never beyond the contract's limit, and under a name of ours:
names inside an archive are not used. A workbook is a zip too and stays as it is. What the unpacked file holds is match.py's.
"""

from __future__ import annotations

import errno
import hashlib
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..contract import Limits
from .deliveries import CHANGED
from .faults import Refused

_CHUNK = 1 << 20
_PACKED_CHUNK = 1 << 16  # what is left of it is copied for each member
_MAX_MEMBERS = 200_000
_MAX_DIRECTORY = 1 << 22
_GZIP, _ZIP = b"\x1f\x8b", (b"PK\3\4", b"PK\5\6")
_WORKBOOK = "[Content_Types].xml"
_GZIP_WINDOW = 31  # zlib's word for: with gzip's head and check sum


@dataclass(frozen=True)
class Content:
    """The bytes that a format reads: the delivered file itself, or what was packed in it. `sha256` where its reader must prove that
    they are still what was hashed."""

    path: Path
    sha256: str | None


def unpacked(path: Path, name: str, sha256: str | None, limits: Limits, folder: Path) -> Content:
    """What a delivery holds, unpacked into `folder` where it is packed. Raises Refused: BROKEN_ARCHIVE, NOT_ONE_FILE, TOO_LARGE,
    CHANGED_WHILE_READ."""
    if (unpack := _way(path, name)) is None:
        return Content(path, sha256)
    target = folder / "unpacked"
    with path.open("rb") as handle, target.open("wb") as out:
        sink = _Sink(out, limits.max_unpacked_bytes)
        packed = unpack(handle, sink)
    if sha256 not in (None, packed):
        raise Refused("CHANGED_WHILE_READ", CHANGED)
    if _way(target, name) is not None:
        raise Refused("BROKEN_ARCHIVE", "the file is packed twice. Pack it once.")
    return Content(target, None)


def _way(path: Path, name: str) -> Callable[[BinaryIO, _Sink], str] | None:
    """How a file is to be unpacked; None when it is not packed."""
    with path.open("rb") as handle:
        start = handle.read(4)
        if start.startswith(_GZIP):
            return _gunzip
        return _unzip if start in _ZIP and not _is_workbook(handle, name) else None


class _Sink:
    """Where unpacked bytes go, up to a limit."""

    def __init__(self, out: BinaryIO, limit: int) -> None:
        self._out, self._limit, self._size = out, limit, 0

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            message = (
                f"unpacked, the file is larger than the {self._limit} bytes the contract allows (limits.max_unpacked_bytes)."
            )
            raise Refused("TOO_LARGE", message)
        self._out.write(data)


class _Bounded:
    """A zip as its reader sees it. It reads the whole directory at once, as long as the file says that it is; no piece that is
    needed here is as large as that could be."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle
        self.seek, self.tell, self.seekable, self.close = handle.seek, handle.tell, handle.seekable, handle.close

    def read(self, size: int = -1) -> bytes:
        if size > _MAX_DIRECTORY:
            raise zipfile.BadZipFile("a directory as large as this holds more than one file")
        return self._handle.read(_MAX_DIRECTORY if size < 0 else size)


def _gunzip(handle: BinaryIO, sink: _Sink) -> str:
    """Unpacks all members of a gzip file; the packed bytes' SHA-256. Bytes after the last member are damage, not padding."""
    digest = hashlib.sha256()
    member, members = zlib.decompressobj(_GZIP_WINDOW), 1
    data = b""
    try:
        while True:
            if not data:
                data = handle.read(_PACKED_CHUNK)
                digest.update(data)
            if member.eof:
                if not data:
                    return digest.hexdigest()
                member, members = zlib.decompressobj(_GZIP_WINDOW), members + 1
                if members > _MAX_MEMBERS:
                    raise Refused("BROKEN_ARCHIVE", f"the gzip file is made of more than {_MAX_MEMBERS} pieces. Pack it in one.")
            if not data:
                raise Refused("CUT_FILE", "the gzip file has no end: it has been cut. Deliver it whole.")
            sink.write(member.decompress(data, _CHUNK))
            data = member.unused_data if member.eof else member.unconsumed_tail
    except zlib.error:
        raise _broken("gzip file") from None


def _unzip(handle: BinaryIO, sink: _Sink) -> str:
    """Unpacks a zip's one file; the archive's SHA-256."""
    digest = hashlib.sha256()
    while chunk := handle.read(_CHUNK):
        digest.update(chunk)
    try:
        with zipfile.ZipFile(_Bounded(handle)) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
            if len(files) != 1:
                raise Refused("NOT_ONE_FILE", f"the zip holds {len(files)} files; a delivery is one. Pack each file by itself.")
            if files[0].flag_bits & 1:
                raise Refused("BROKEN_ARCHIVE", "the zip is locked with a password. Deliver it without one.")
            if files[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused(
                    "BROKEN_ARCHIVE", "the zip is packed in an unusual way. Pack it again as an ordinary zip, or as gzip."
                )
            with archive.open(files[0]) as member:
                while data := member.read(_CHUNK):
                    sink.write(data)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        raise _broken("zip") from None
    return digest.hexdigest()


def _is_workbook(handle: BinaryIO, name: str) -> bool:
    """Whether a zip is an Office file, which only its reader takes apart; a damaged one is one unless its name says zip."""
    try:
        with zipfile.ZipFile(_Bounded(handle)) as archive:
            return _WORKBOOK in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return not name.casefold().endswith(".zip")


def _broken(what: str) -> Refused:
    return Refused("BROKEN_ARCHIVE", f"the {what} is damaged. Pack the file again and deliver it again.")
