"""Who and what made an edition: the user, the version of the code, the versions of the libraries."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, requires, version

from .declared import REPOSITORY


def user() -> str:
    """The name of the user that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


@lru_cache
def code_version() -> str:
    """The package's version and a hash of the code and templates that count, grade and write."""
    digest = hashlib.sha256()
    package = REPOSITORY / "maalopfyldelse"
    for path in sorted(p for p in package.rglob("*") if p.suffix in (".py", ".jinja", ".css", ".js")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return f"{version('maalopfyldelse')}+{digest.hexdigest()[:12]}"


@lru_cache
def libraries() -> dict[str, str]:
    """The versions of Python and of every library that the package asks for and that is there."""
    found = {"python": platform.python_version()}
    for asked in requires("maalopfyldelse") or []:
        if "extra ==" in asked:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", asked)[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a requirement of another system
            continue
    return dict(sorted(found.items()))
