"""The pages of papers, fields, searches and comparisons in a real Chromium."""

from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, expect

from services.viewer.store.fill.filler import Filler
from services.viewer.urls import comparison_of, field_page_of, paper_page_of, search_for
from tests.browser.opening import CONTRAST, OPEN_ALL, opened, shown, violations
from tests.sites import ADA, BOB, EMMY, FIRST, LARGE, MARKUP, RETRACTED, small_log, store_of
from tests.stores import publish, told

pytestmark = pytest.mark.browser
PAGES = {
    "front": "/search",
    "search": search_for("wang"),
    "paper": paper_page_of(FIRST),
    "markup": paper_page_of(MARKUP),
    "large": paper_page_of(LARGE),
    "retracted": paper_page_of(RETRACTED),
    "found": search_for("donau"),
    "papers": "/papers",
    "fields": "/fields",
    "field": field_page_of("cs.LG"),
    "compare": comparison_of([ADA, BOB, EMMY]),
    "choose": "/compare",
}
VIEWS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 320, "height": 700}},
}


@asynccontextmanager
async def small_site(folder):
    log = await small_log()
    store = await store_of(log, folder)
    async with opened(log=log, store=store) as viewer:
        yield viewer
    store.close()


async def test_every_page_is_readable_on_every_screen(tmp_path):
    """axe-core finds nothing, text stands out from its ground, and nothing sticks out of the window."""
    async with small_site(tmp_path) as viewer:
        for view, how in VIEWS.items():
            page = await viewer.page("/scores", reduced_motion="reduce", **how)
            for name, path in PAGES.items():
                await page.goto(path)
                await shown(page, f"{name}-{view}", full_page=True)
                width = await page.evaluate("document.documentElement.scrollWidth")
                assert width <= how["viewport"]["width"], (view, name)
                await page.evaluate(OPEN_ALL)
                assert await page.evaluate(CONTRAST) == [], (view, name)
                if view != "phone":
                    assert await violations(page) == [], (view, name)


async def test_without_javascript_one_finds_compares_and_reads(tmp_path):
    async with small_site(tmp_path) as viewer:
        page = await viewer.page("/search", java_script_enabled=False)
        await expect(page.locator(".state .note")).to_contain_text("Reload it for newer numbers")
        await page.get_by_role("searchbox").fill("Wang, Jun")
        await page.get_by_role("button", name="Search").click()
        for box in await page.get_by_role("checkbox").all():
            await box.check()
        await page.get_by_role("button", name="Compare the marked authors").click()
        await expect(page.get_by_role("columnheader", name="Jun Wang")).to_have_count(2)
        await page.get_by_label("Name or id").fill("lovelase")
        await page.get_by_role("button", name="Find").click()
        await page.get_by_role("link", name="Add Ada Lovelace").click()
        await expect(page.locator(".comparison thead th")).to_have_count(4)
        await page.get_by_role("link", name="Remove Ada Lovelace").click()
        await expect(page.locator(".comparison thead th")).to_have_count(3)
        await page.goto(paper_page_of(FIRST))
        await page.get_by_role("link", name="newest").click()
        await page.get_by_role("link", name="Next").click()
        await expect(page.locator("#cited-by")).to_be_in_viewport()
        await expect(page.locator("[data-live=citing] .papers > li")).to_have_count(12)


async def test_the_keyboard_reaches_what_the_mouse_does(tmp_path):
    async with small_site(tmp_path) as viewer:
        page = await viewer.page("/search")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("searchbox")).to_be_focused()
        await page.keyboard.type("wang")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Search:")).to_be_visible()
        for box in await page.get_by_role("checkbox").all():
            await box.focus()
            await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.locator(".comparison")).to_be_visible()
        await page.get_by_role("region", name="Comparison").focus()
        await expect(page.get_by_role("region", name="Comparison")).to_be_focused()


async def cited(page: Page) -> str:
    return await page.locator("[data-live=citations]").inner_text()


async def test_an_open_page_follows_the_log(tmp_path):
    """A citing paper arrives, numbers of authors change: lists and numbers follow without a reload."""
    async with small_site(tmp_path) as viewer:
        page = await viewer.page(paper_page_of(FIRST))
        compared, front = await viewer.page(comparison_of([ADA, BOB])), await viewer.page("/search")
        for one in (page, compared, front):
            await expect(one.locator("#live")).to_have_text("Live")
            await one.evaluate("window.sameDocument = true")
        assert await cited(page) == "32"
        new = {"paper_id": "p/new", "title": "A later one", "published": "2024-01-01", "references": [FIRST],
               "authors": [{"name": "Emmy Noether"}]}  # fmt: skip
        later = told(ADA, "Ada Lovelace", [("p/0", 33)], version=2, h_index=9, field="LG")
        later["metrics"]["references"]["citations"] = 6
        await publish(viewer.log, [new], [later])
        filler = Filler(viewer.log, tmp_path / "viewer-1.sqlite")
        try:
            assert await filler.start()
            await filler.catch_up()
        finally:
            filler.close()
        await expect(page.locator("[data-live=citations]")).to_have_text("33", timeout=30_000)
        await expect(page.locator("[data-live=cited]")).to_contain_text("33 papers")
        cell = compared.locator(
            "tr", has=compared.get_by_role("rowheader", name="citations", exact=True)
        ).first
        await expect(cell.locator("td .value").first).to_have_text("6", timeout=30_000)
        await front.evaluate("for (const name of ['pagehide', 'pageshow']) dispatchEvent(new Event(name))")
        await expect(front.get_by_role("link", name="A later one")).to_be_visible(timeout=30_000)
        for one in (page, compared, front):
            assert await one.evaluate("window.sameDocument")
