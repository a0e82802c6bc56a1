"""What the browser tests share: one home, the pages made from it, and a headless Chromium without a network.

`make test-browser` runs them; `make test` does not gather this folder. MAAL_TEST_HOME names a home that has run (it is only read);
without it the sample is run once. MAAL_CHROMIUM names the browser when it is neither `chromium` nor `google-chrome`.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from maalopfyldelse.declared import REPOSITORY
from maalopfyldelse.home import Home
from pipelines.cli import main

FLAGS = [
    "--no-sandbox",  # a page of our own, and containers offer no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLANS = sorted(path.stem for path in (REPOSITORY / "plans").glob("*.yaml"))
EXPLAINED = ("star-2021 M2.A", "star-2021 M4", "star-2021 M1", "siri-2020 1.5.c", "ams-2003 A.3.1", "benchmarking-2021 B2.2")
OPEN_ALL = "() => document.querySelectorAll('details').forEach((one) => { one.open = true })"


@dataclass
class Opened:
    """A page in the browser, with all that it asked for or complained of since it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Open = Callable[..., Opened]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    if given := os.environ.get("MAAL_TEST_HOME"):
        return Home(Path(given))
    folder = tmp_path_factory.mktemp("sample") / "home"
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as err:
        assert main(["run", "--home", str(folder)]) == 0, err.getvalue()
    return Home(folder)


@pytest.fixture(scope="session")
def files(home: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every page there is, by name: each plan's newest report, explanations of different kinds of rows, and the checks page."""
    found = {"checks": home.checks / "index.html"}
    for plan in PLANS:
        editions = home.editions.glob(f"{plan}/*/*/department/report.html")
        found[plan] = max(editions, key=lambda path: (path.parts[-4], int(path.parts[-3])))
    folder = tmp_path_factory.mktemp("explained")
    for name in EXPLAINED:
        found[name] = folder / f"{name.replace(' ', '-')}.html"
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as err:
            assert main(["explain", *name.split(), "--home", str(home.path), "--page", str(found[name])]) == 0, err.getvalue()
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("MAAL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        pytest.exit("no chromium and no google-chrome: install one, or name it in MAAL_CHROMIUM", 2)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a file from disk without a network, in a profile of its own; `ignores_policy` lifts the page's own ban on scripts."""
    contexts = []

    def opened(
        file: Path, width: int = 1440, *, is_print: bool = False, all_open: bool = False, ignores_policy: bool = False
    ) -> Opened:
        context = browser.new_context(
            offline=True,
            viewport={"width": width, "height": 900},
            locale="da-DK",
            reduced_motion="reduce",
            bypass_csp=ignores_policy,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        made = Opened(context.new_page())
        made.page.on("request", lambda request: made.requests.append(request.url))
        made.page.on("console", lambda message: made.complaints.append(message.text))
        made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
        made.page.on("dialog", lambda dialog: (made.complaints.append(dialog.message), dialog.dismiss()))
        if is_print:
            made.page.emulate_media(media="print")
        made.page.goto(file.as_uri())
        if all_open:
            made.page.evaluate(OPEN_ALL)
        return made

    yield opened
    for context in contexts:
        context.close()
