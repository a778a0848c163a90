"""What browser tests share: a service with a real Chromium at it, and what they ask of every page."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright

from services.runtime.http_server import serve
from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from services.viewer.store.lag import StoreLag
from services.viewer.store.store import Store
from shared.log.memory import MemoryLog
from shared.log.port import Log
from tests.snapshots import profile_topic, publish

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()


class Open(NamedTuple):
    """A service, and a browser at it. said: what the console said; asked: the hosts that were asked for
    anything.
    """

    log: Log
    address: str
    browser: Browser
    said: list[str]
    asked: set[str]

    async def page(self, path: str = "/", **how) -> Page:
        context = await self.browser.new_context(base_url=self.address, **how)
        context.set_default_timeout(10_000)
        page = await context.new_page()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.add(urlsplit(request.url).netloc))
        await page.goto(path)
        return page


class Service:
    """What a viewer needs of a store that a test has filled."""

    def __init__(self, log: Log, store: Store):
        self.store, self.lag, self.fraction = store, StoreLag(log, store), None


@asynccontextmanager
async def opened(*told: dict, log: Log | None = None, store: Store | None = None) -> AsyncIterator[Open]:
    """told: snapshots. log, store: a log with everything in it and the store that was made from it."""
    assert CHROMIUM, "there is no Chromium on this machine: deploy/test-tools.sh installs one"
    stop = asyncio.Event()
    if log is None:
        log = await profile_topic(MemoryLog())
    await publish(log, *told)
    service = None if store is None else Service(log, store)
    index = ProfileIndex(log)
    await index.catch_up()
    bound = asyncio.get_running_loop().create_future()
    following = asyncio.create_task(index.follow(stop))
    serving = asyncio.create_task(
        serve(
            application(Viewer(index, stop, None, service)),
            "127.0.0.1",
            0,
            stop=stop,
            on_bound=bound.set_result,
        )
    )
    try:
        address = await asyncio.wait_for(bound, 10)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            open_ = Open(log, address, browser, [], set())
            yield open_
            await browser.close()
        assert open_.said == []
        assert open_.asked == {urlsplit(address).netloc}
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(serving, following), 10)


async def violations(page: Page) -> list[str]:
    """What axe-core finds on the page with all folds open: rule, element, and how to repair it."""
    await page.evaluate(OPEN_ALL)
    await page.evaluate(AXE)  # not as a script element: the policy of the page allows none
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['html'][:200]}: {node.get('failureSummary', '')}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def shown(page: Page, name: str, **how) -> None:
    """Keeps a screenshot where SCREENSHOTS names a folder, for people to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", **how)


OPEN_ALL = "for (const fold of document.querySelectorAll('details')) fold.open = true"
CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const mix = (colours) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const weak = [];
    for (const element of document.querySelectorAll("body *")) {
        const text = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim())
            .map((node) => node.data).join(" ");
        const hidden = element.closest(".hidden, .skip, noscript") || !element.getClientRects().length;
        if (!text || hidden) continue;
        const style = getComputedStyle(element);
        const grounds = [];
        for (let up = element; up; up = up.parentElement) {
            grounds.unshift(getComputedStyle(up).backgroundColor);
        }
        const colour = element instanceof SVGElement ? style.fill : style.color;
        const [ground, ink] = [mix(grounds), mix([...grounds, colour])];
        const [high, low] = [light(ground), light(ink)].sort((a, b) => b - a);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const ratio = (high + 0.05) / (low + 0.05);
        const name = `${element.tagName}.${element.className}`;
        if (ratio < (large ? 3 : 4.5)) weak.push(`${name}: ${text} ${ratio.toFixed(2)}`);
    }
    return weak;
}"""
