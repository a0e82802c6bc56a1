"""The key that turns personal values into keyed hashes (HMAC-SHA256).

The key comes from `MAAL_KEY` or from the file that `MAAL_KEY_FILE` names, and never lies in the home. Sample data has a published
key: its hashes protect nothing, and nothing in them needs protection.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CallerError
from ..home import Home

if TYPE_CHECKING:
    import duckdb

SAMPLE_KEY = b"published key of the synthetic sample data"
MIN_LENGTH = 16
_BLOCK = 64


def hash_key(home: Home, *, synthetic: bool) -> bytes:
    """The key to use. Raises CallerError when there is none for data that is not synthetic, saying how to give one."""
    if synthetic:
        return SAMPLE_KEY
    key = os.environ.get("MAAL_KEY", "").strip().encode()
    if not key and (named := os.environ.get("MAAL_KEY_FILE")):
        path = Path(named).expanduser().resolve()
        if path.is_relative_to(home.path):
            raise CallerError(f"MAAL_KEY_FILE names {path}, inside the home. Keep the key outside what it protects.")
        try:
            key = path.read_bytes().strip()
        except OSError as error:
            raise CallerError(f"MAAL_KEY_FILE names {path}, which cannot be read ({error.strerror}).") from None
    if not key:
        raise CallerError(
            "These deliveries hold personal columns that are kept as keyed hashes, and no key is given. Set MAAL_KEY_FILE to a file "
            f"of at least {MIN_LENGTH} random characters outside the home (or MAAL_KEY to the characters), and keep it: with "
            "another key the same person gets another hash."
        )
    if len(key) < MIN_LENGTH:
        raise CallerError(
            f"The key is shorter than {MIN_LENGTH} characters. Make a longer one, for example 32 random bytes as hex."
        )
    return key


def set_key(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Gives the engine the two padded keys of HMAC, as variables so that no statement's text holds them."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    for name, pad in (("maal_inner", 0x36), ("maal_outer", 0x5C)):
        con.execute(f"set variable {name} = unhex('{bytes(b ^ pad for b in block).hex()}')")
