"""Makes the pictures of the README: an author's page of the running demo, in light and dark.

    .venv/bin/python docs/pictures/make.py [SECONDS]

Starts the demo in a temporary folder, waits SECONDS (60 by default) so that the simulated literature cites
the author, and writes `author-light.png` and `author-dark.png` beside this file. Needs Chromium
(deploy/test-tools.sh installs it).
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1280, 860  # CSS pixels: what a laptop shows without scrolling
START_SECONDS = 120
Scheme = Literal["light", "dark"]


def address_of(demo: subprocess.Popen[str]) -> str:
    """The address that the demo prints once its page can be opened. Error: RuntimeError when it ends or says
    nothing.
    """
    assert demo.stdout is not None
    until = time.monotonic() + START_SECONDS
    for line in demo.stdout:
        if "http://" in line:
            return "http://" + line.split("http://")[1].split()[0]
        if time.monotonic() > until:
            break
    raise RuntimeError("the demo did not say where its page is")


def photograph(browser: Browser, address: str, scheme: Scheme) -> None:
    """Writes one picture. Waits until the page shows papers."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
    page.goto(address)
    if "/authors/" not in page.url:
        page.locator("a[href*='/authors/']").first.click()
    page.locator("h1").wait_for()
    page.screenshot(path=HERE / f"author-{scheme}.png")
    page.close()


def main(seconds: float) -> None:
    scholarstream = Path(sys.executable).with_name("scholarstream")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder:
        words = [str(scholarstream), "run", "--demo", "--port", "0", "--data-dir", folder]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as demo:
            try:
                address = address_of(demo)
                time.sleep(seconds)
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                    photograph(browser, address, "light")
                    photograph(browser, address, "dark")
                    browser.close()
            finally:
                demo.terminate()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
