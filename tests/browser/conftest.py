"""Debian's Chromium, driven by Playwright through its executable path; skipped where either is missing."""

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs Chromium (apt-get install chromium, or its path in CHROMIUM)")
    return found


@pytest.fixture(scope="module")
def browser(chromium):
    """A browser, open for one module at a time: as long as it is, Playwright's event loop runs in this thread."""
    playwright = pytest.importorskip("playwright.sync_api")
    # The sandbox needs privileges that containers lack; only pages of the tests are opened.
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A page that fails its test for any error of a script or breach of its policy, and for any request elsewhere."""
    context = browser.new_context()
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("http://127.0.0.1:", "file:", "data:"))
            else errors.append(f"request to {request.url}")
        ),
    )
    page.errors = errors
    yield page
    context.close()
    assert errors == []
