"""Debian's Chromium, driven by Playwright's synchronous interface."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

BINARY = Path("/usr/bin/chromium")
DESKTOP = (1280, 800)
PHONE = (360, 740)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # The browser's own traffic; the pages' traffic is left as it is.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def available() -> str | None:
    """Say why the browser cannot run here, or None where it can."""
    if not os.access(BINARY, os.X_OK):
        return f"{BINARY} is missing; install Debian's chromium package"
    if find_spec("playwright") is None:
        return "the Python package playwright is missing; install the development dependencies"
    return None


@contextmanager
def chromium_page(
    viewport: tuple[int, int] = DESKTOP, *, locale: str | None = None
) -> "Iterator[Page]":
    """A page in a browser of its own, with an empty profile; both are gone at the end.

    Args:
        viewport: Width and height in CSS pixels.
        locale: Language of the browser, such as ``id-ID``; the machine's own where None.
    """
    from playwright.sync_api import sync_playwright

    width, height = viewport
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BINARY,
            headless=True,
            args=FLAGS,
            # Chromium refuses its sandbox to root, and only to root.
            chromium_sandbox=os.geteuid() != 0,
        )
        try:
            context = browser.new_context(
                viewport={"width": width, "height": height}, locale=locale
            )
            yield context.new_page()
        finally:
            browser.close()
