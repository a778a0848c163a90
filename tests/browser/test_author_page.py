"""The author's page with the store in a real Chromium: few starts of a browser, many looks."""

import re

import pytest
from playwright.async_api import expect

from tests.author_pages import ADA, COUNTED, ada, change, event, literature
from tests.browser.opening import CONTRAST, OPEN_ALL, opened, shown, violations
from tests.stores import fill, publish

pytestmark = pytest.mark.browser
ADDRESS = f"/authors/{ADA}"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PRINTED_PAGES = 5  # at most, for 50 papers


@pytest.fixture
async def made(tmp_path):
    log, store = await literature(tmp_path)
    yield log, store
    store.close()


async def test_the_page_is_readable_everywhere(made):
    """Desktop, phone, dark, 200 %, print: no violation that axe-core finds with all folds open."""
    log, store = made
    async with opened(log=log, store=store) as viewer:
        looks = (
            ("light", {"viewport": DESK}),
            ("dark", {"viewport": DESK, "color_scheme": "dark"}),
            ("phone", {"viewport": PHONE}),
            ("200 percent", {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}),
        )
        for name, how in looks:
            page = await viewer.page(ADDRESS, reduced_motion="reduce", **how)
            await expect(page.locator("#live")).to_have_text("Live", timeout=30_000)
            await shown(page, f"author {name}")
            wide = "document.documentElement.scrollWidth"
            assert await page.evaluate(wide) <= how["viewport"]["width"], name
            assert await violations(page) == [], name
            assert await page.evaluate(CONTRAST) == [], name
            assert await page.evaluate(wide) <= how["viewport"]["width"], f"{name}, folds open"
            await page.context.close()
        page = await viewer.page(ADDRESS)
        printed = await page.pdf(format="A4")
        assert 1 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= PRINTED_PAGES
        await page.emulate_media(media="print")
        await shown(page, "author print", full_page=True)
        await expect(page.get_by_role("search")).to_be_hidden()
        await expect(page.locator(".papers > li h3").first).to_be_visible()


async def test_without_javascript_every_paper_can_be_reached(made):
    log, store = made
    async with opened(log=log, store=store) as viewer:
        page = await viewer.page(ADDRESS, java_script_enabled=False)
        await expect(page.locator("#papers")).to_have_text(f"{len(COUNTED)} papers")
        await page.get_by_role("link", name="Next").click()
        await expect(page.locator("ol[data-list] > li")).to_have_count(50)
        await page.get_by_role("link", name="Page 3").click()
        await expect(page.locator("ol[data-list] > li")).to_have_count(len(COUNTED) - 100)
        await page.get_by_role("navigation", name="Sort by").get_by_role("link", name="title").click()
        await expect(page.locator("ol[data-list] h3").first).to_have_text("On engine 000")
        await page.locator("#filter summary").click()
        await page.get_by_label("Field").select_option("math.AP")
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("ol[data-list] > li")).to_have_count(40)
        assert "sort=title" in page.url, "the order stays"
        abstract = page.locator("ol[data-list] > li .abstract").first
        await expect(abstract.locator("p")).to_be_hidden()
        await abstract.locator("summary").click()
        await expect(abstract.locator("p")).to_contain_text("We study engine 2.")
        await page.get_by_role("link", name="Show all").click()
        await page.get_by_role("link", name="Emmy Noether").first.click()
        assert page.url.endswith("/authors/a:emmy")
        viewer.said.clear()  # she has no profile here: the browser says so of a 404


async def test_an_open_page_fetches_what_changed_and_keeps_what_is_open(made, tmp_path):
    log, store = made
    async with opened(log=log, store=store) as viewer:
        page = await viewer.page(ADDRESS)
        sizes: dict[str, int] = {}

        async def measure(response) -> None:
            if "/fresh" in response.url:
                sizes[response.url] = len(await response.body())

        page.on("response", measure)
        await expect(page.locator("#live")).to_have_text("Live", timeout=30_000)
        whole = len(await page.content())
        entry = page.locator("li[data-key='p:119']")
        await entry.locator("summary").click()
        await page.locator("#filter summary").click()
        newer = ada(2)
        newer["papers"][0]["citations"] += 3
        newer["headline"]["citations"] += 3
        await publish(log, [], [newer], [change(3, 60, 61)])
        await expect(entry.locator(".value")).to_have_text("122")
        await expect(entry.locator(".abstract p")).to_be_visible()
        await expect(page.locator("#filter form")).to_be_visible()
        assert sizes and max(sizes.values()) < whole / 5
        await expect(page.locator("article")).to_have_attribute("data-behind", "")
        await publish(log, [event(200) | {"title": "A new engine", "published": "2024"}])
        (await fill(log, tmp_path)).close()  # the store reads on; the open page looks again by itself
        await expect(page.locator("article")).not_to_have_attribute("data-behind", "", timeout=30_000)
        page = await viewer.page(f"{ADDRESS}?sort=date")
        await expect(page.locator("ol[data-list] h3").first).to_have_text("A new engine")
        await page.locator("#live").wait_for()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")  # skips to the content
        names = []
        for _ in range(14):
            await page.keyboard.press("Tab")
            names.append(await page.evaluate("document.activeElement.textContent"))
        assert {"citations", "novelty", "title", "Filter"} <= set(names), "the keyboard reaches the order"
        await page.evaluate(OPEN_ALL)
