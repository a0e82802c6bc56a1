"""`make dagster`: Dagster's pages and daemon on this machine, with the home's storage.

Here belongs only the environment that Dagster is started in.
"""

from __future__ import annotations

import os
import sys

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.errors import MaalError
from maalopfyldelse.home import Home

from .resources import home_path


def main() -> None:
    """Becomes `dagster dev`. DAGSTER_HOME is where dagster.yaml stands; what it stores goes to the home."""
    try:
        home = Home(home_path())
    except MaalError as error:
        sys.exit(f"maal: {error}")
    os.environ |= {"DAGSTER_HOME": str(REPOSITORY), "MAAL_DAGSTER": str(home.dagster), "MAAL_HOME": str(home.path)}
    os.chdir(REPOSITORY)
    command = [sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", "3000"]
    os.execv(sys.executable, command + sys.argv[1:])


if __name__ == "__main__":
    main()
