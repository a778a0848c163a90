"""The page in a real Chromium, over a log that goes on."""

import re
import time

import orjson
import pytest
from playwright.async_api import Page, expect

from shared.contracts.topics import AUTHOR_METRICS
from shared.log.port import Message, Partition
from tests.browser.opening import CONTRAST, OPEN_ALL, opened
from tests.snapshots import SYGNOWSKI, erase, paper, publish, snapshot, sygnowski

pytestmark = pytest.mark.browser

SIMULATED = snapshot("sim:a1-0", name="Ada Simulated", papers=[paper("sim:1-0", 3)])


def tile(page: Page, name: str):
    return page.locator(".tile").filter(has=page.locator("dt", has_text=name))


async def test_the_first_screen_tells_what_the_seed_tells():
    async with opened(sygnowski(), SIMULATED) as viewer:
        page = await viewer.page(viewport={"width": 1280, "height": 800})
        assert page.url.endswith("/authors/a:sygnowski")
        await expect(page).to_have_title("Jakub Sygnowski · scholarstream")
        await expect(page.locator("h1")).to_have_text("Jakub Sygnowski")
        await expect(page.locator(".who .chip")).to_have_text("LG")
        for name, value, reported in (
            ("h-index", "11", "reported 102 impossible"),
            ("papers", "13", "reported 13"),
            ("citations", "812", "reported 9,483"),
            ("Novelty", "no paper scored yet", "reported 60%"),
            ("AI score", "no paper ranked yet", "reported 35"),
        ):
            await expect(tile(page, name).locator("dd").first).to_have_text(value)
            await expect(tile(page, name).locator(".beside")).to_have_text(reported)
            await expect(tile(page, name)).to_be_in_viewport(ratio=1)
        why = page.locator(".why")
        await expect(why).to_be_in_viewport(ratio=1)
        await expect(why.locator("h2")).to_have_text("Why an h-index of 102 is impossible")
        await expect(why).to_contain_text(
            "needs at least 102 papers with 102 citations each; only 13 papers are reported"
        )
        await expect(why).to_contain_text(
            "needs at least 10,404 citations (102 · 102); only 9,483 citations are reported"
        )
        await expect(page.locator(".banner")).to_contain_text("simulated literature")
        await expect(page.locator(".papers > li")).to_have_count(13)
        last = page.locator(".papers > li").filter(has_text="Regularization in Deep Offline RL")
        await expect(last).to_contain_text("Jul 5, 2022")
        await expect(last).to_contain_text(
            "Caglar Gulcehre, Srivatsan Srinivasan, Jakub Sygnowski et al. (4) · deepmind"
        )
        await expect(page.get_by_role("img", name="Citations by year: 2016: 3")).to_be_visible()


async def test_numbers_change_without_reload():
    async with opened(sygnowski(1)) as viewer:
        page = await viewer.page()
        await expect(page.locator("#live")).to_have_text("Live")
        await page.evaluate("window.sameDocument = true")
        theano = page.locator(".papers > li").filter(has_text="Theano")
        await expect(theano.locator(".value")).to_have_text("112")
        mark = await theano.evaluate(
            "entry => { entry.sameElement = true; return [...entry.parentNode.children].indexOf(entry) }"
        )
        assert mark == 2  # the third

        await publish(viewer.log, sygnowski(2, more=1))
        await expect(tile(page, "citations").locator(".value")).to_have_text("813")
        await expect(theano.locator(".value")).to_have_text("113")
        await expect(page.locator("#news")).to_contain_text("citations 812 → 813")
        await expect(page.locator("#spoken")).to_contain_text("h-index 11, papers 13, citations 813")
        await expect(page.locator("[data-live=version]")).to_have_text("version 2")
        await expect(page.locator(".reported td").filter(has_text="813")).to_have_count(1)
        assert "changed" in (await tile(page, "citations").locator(".value").get_attribute("class"))

        published_at = int(time.time() * 1000)
        await publish(viewer.log, sygnowski(3, more=100))  # now it is the most cited one
        await expect(page.locator(".papers > li h3").first).to_contain_text("Theano")
        await expect(theano.locator(".value")).to_have_text("212")
        assert await theano.evaluate("entry => entry.sameElement")
        assert await page.evaluate("window.sameDocument")
        changed = page.locator("#changed")  # a busy machine is not always quick enough for "just now"
        await expect(changed).to_have_text(re.compile(r"just now|\d+ seconds? ago"))
        assert await changed.evaluate("time => Date.parse(time.dateTime)") >= published_at


@pytest.mark.parametrize("away", [False, True], ids=["while it is live", "while it is away"])
async def test_nothing_of_an_erased_author_stays_on_an_open_page(away):
    async with opened(sygnowski(1)) as viewer:
        page = await viewer.page()
        await expect(page.locator("#live")).to_have_text("Live")
        if away:
            await page.evaluate("dispatchEvent(new Event('pagehide'))")
        await erase(viewer.log, "a:sygnowski")
        if away:
            await page.evaluate("dispatchEvent(new Event('pageshow'))")
        await expect(page.locator("main")).to_contain_text("There is no author with the id 'a:sygnowski'")
        await expect(page).not_to_have_title(re.compile("Sygnowski"))
        await expect(page.locator("article, .papers, #live")).to_have_count(0)
        left = await page.content()
        assert not [trace for trace in ("Theano", "812", "Sygnowski", "og:", "feed.atom") if trace in left]
        not_found = [
            line for line in viewer.said if "404" in line
        ]  # the browser says so of every such answer
        assert not_found == viewer.said
        viewer.said.clear()


def why(page: Page, name: str):
    """The fold under a headline number."""
    return page.locator(".whys > details").filter(has=page.locator(".of", has_text=name))


async def integers(cells) -> list[int]:
    return [int(text.replace(",", "")) for text in await cells.all_inner_texts()]


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_fold_tells_why_a_number_is_what_it_is(scripts):
    async with opened(sygnowski()) as viewer:
        page = await viewer.page(java_script_enabled=scripts)
        fold = why(page, "h-index")
        await expect(fold.locator(".fold")).to_be_hidden()
        await fold.locator("summary").focus()
        await expect(fold.locator("summary")).to_have_accessible_name("h-index: why 11?")
        await page.keyboard.press("Enter")
        await expect(fold.locator(".fold")).to_be_visible()
        core = await integers(fold.locator("tbody td:last-child"))
        assert (
            len(core) == 11 == int(await tile(page, "h-index").locator(".value").inner_text())
            and min(core) >= 11
        )
        assert core == (await integers(page.locator(".papers .cited .value")))[:11]
        await expect(fold).to_contain_text("The largest h with h papers of at least h citations each.")
        await expect(fold).to_contain_text("For 12: 4 citations more, to 2 papers.")

        await why(page, "citations").locator("summary").click()
        await expect(fold.locator(".fold")).to_be_hidden()  # one at a time
        listed = await integers(why(page, "citations").locator("tbody td"))
        assert [sum(listed)] == await integers(why(page, "citations").locator("tfoot td")) == [812]

        await page.locator("[id='all.tori'] summary").click()
        await expect(page.locator("[id='all.tori'] .fold")).to_contain_text(
            "A snapshot does not have how many references"
        )
        await expect(page.locator("[id='all.tori'] code").last).to_have_text(
            "scholarstream explain a:sygnowski tori"
        )


async def test_an_open_fold_stays_open_and_goes_on():
    async with opened(sygnowski(1)) as viewer:
        page = await viewer.page()
        await expect(page.locator("#live")).to_have_text("Live")
        summary = why(page, "citations").locator("summary")
        await summary.focus()
        await page.keyboard.press("Space")
        await publish(viewer.log, sygnowski(2, more=7))
        await expect(summary).to_contain_text("why 819?")
        await expect(why(page, "citations").locator("tfoot td")).to_have_text("819")
        assert sum(await integers(why(page, "citations").locator("tbody td"))) == 819
        await expect(summary).to_be_focused()
        line = page.locator("[id='all.g_index']")
        await line.locator("summary").click()
        counted = {"papers": 13, "papers_counted": 1, "citations": 44, "h_index": 1}
        other = sygnowski(3, more=8)
        others = {"counted:openalex": counted, "counted:somebody-else": counted}
        await publish(
            viewer.log, other | {"metrics": other["metrics"] | others}
        )  # the table is another one now
        await expect(page.locator(".numbers > .scroll > table > thead")).to_contain_text("openalex")
        await expect(line.locator(".fold")).to_be_visible()
        panel, beside = [await page.locator(one).bounding_box() for one in (".numbers", "aside")]
        assert panel["width"] <= beside["width"], "more columns scroll within the panel"


async def test_a_link_to_a_reason_opens_it():
    async with opened(sygnowski()) as viewer:
        page = await viewer.page("/authors/a:sygnowski#why-h_index")
        await expect(why(page, "h-index").locator(".fold")).to_be_visible()
        page = await viewer.page()
        await page.locator("[id='all.citations'] summary").click()
        await page.get_by_role("link", name="Why, at the top of the page").click()
        await expect(why(page, "citations").locator(".fold")).to_be_in_viewport()


async def test_the_last_changes_are_told_with_their_causes_and_go_on():
    def change(version: int) -> bytes:
        cause = {"kind": "cited", "paper_id": "arxiv:1605.02688", "by": f"p:{version}"}
        told = {
            "author_id": SYGNOWSKI,
            "generation": 1,
            "version": version,
            "as_of": None,
            "causes": [cause],
            "causes_total": 1,
        }
        return orjson.dumps(
            told
            | {
                "before": {"citations": 810 + version},
                "after": {"citations": 811 + version},
                "changed": ["citations"],
            }
        )

    async with opened(sygnowski(1)) as viewer:
        await viewer.log.create([AUTHOR_METRICS.spec(1, 1)])
        place = Partition(AUTHOR_METRICS.name, 0)
        await viewer.log.append({place: [Message(SYGNOWSKI.encode(), change(1))]})
        page = await viewer.page()
        await expect(page.locator("#live")).to_have_text("Live")
        await expect(page.locator(".changes .last")).to_contain_text("citations 811 → 812 — “Theano")
        await page.locator(".changes summary").click()
        await expect(page.locator(".changes ol > li")).to_have_count(1)
        await viewer.log.append({place: [Message(SYGNOWSKI.encode(), change(2))]})
        await publish(viewer.log, sygnowski(2, more=1))
        await expect(page.locator(".changes ol > li")).to_have_count(2)
        await expect(page.locator(".changes ol > li").first).to_contain_text("citations 812 → 813")
        await expect(page.locator(".changes ol > li").first).to_contain_text("is cited by p:2")


async def test_a_new_name_is_in_heading_and_title_without_reload():
    async with opened(snapshot("a:1", name="Old Name")) as viewer:
        page = await viewer.page("/authors/a:1")
        await expect(page.locator("#live")).to_have_text("Live")
        await page.evaluate("window.sameDocument = true")
        await publish(viewer.log, snapshot("a:1", 2, name="New & <b>Name</b>"))
        await expect(page.locator("h1")).to_have_text("New & <b>Name</b>")
        await expect(page).to_have_title("New & <b>Name</b> · scholarstream")
        await expect(page.locator("meta[property='og:title']")).to_have_attribute(
            "content", "New & <b>Name</b>"
        )
        assert await page.evaluate("window.sameDocument")


async def test_papers_come_and_go():
    async with opened(
        snapshot("a:1", papers=[paper("p:1", 3), paper("p:2", 2), paper("p:3", 1)], papers_total=3)
    ) as viewer:
        page = await viewer.page("/authors/a:1")
        await expect(page.locator("#live")).to_have_text("Live")
        await expect(page.locator(".papers > li h3")).to_have_text(["On p:1", "On p:2", "On p:3"])
        later = [paper("p:3", 9), paper("p:4", 8, title="New"), paper("p:1", 3, title="Revised")]
        await publish(
            viewer.log, snapshot("a:1", 2, papers=later, papers_total=3, affiliations=[], field="CL")
        )
        await expect(page.locator(".papers > li h3")).to_have_text(["On p:3", "New", "Revised"])
        await expect(page.locator(".papers .cited .value")).to_have_text(["9", "8", "3"])
        await expect(page.locator(".who .chip")).to_have_text("CL")
        await expect(page.locator("#news")).to_contain_text("new paper “New”")
        await publish(viewer.log, snapshot("a:1", 3, papers=[], papers_total=0))
        await expect(page.locator(".papers > li")).to_have_count(0)
        await expect(page.locator("#papers")).to_have_text("0 papers")


async def test_an_updated_page_is_as_one_that_was_opened_anew():
    numbers = snapshot("x")["metrics"]["references"]
    counted = {"papers": 2, "papers_counted": 1, "citations": 44, "h_index": 1}
    last = sygnowski(9, more=200) | {
        "metrics": {"references": numbers, "counted:openalex": counted},
        "flags": ["dates_missing"],
    }
    async with opened(sygnowski(1) | {"reported": [], "citations_by_year": {}}) as viewer:
        kept = await viewer.page()
        await expect(kept.locator("#live")).to_have_text("Live")
        for version in (2, 5):
            await publish(viewer.log, sygnowski(version, more=version))
            await expect(kept.locator("[data-live=version]")).to_have_text(f"version {version}")
        await publish(viewer.log, last)
        await expect(kept.locator("[data-live=version]")).to_have_text("version 9")
        await expect(kept.locator(".changed, .arrived")).to_have_count(0)
        anew = await viewer.page()
        await expect(anew.locator("#live")).to_have_text("Live")
        without = """() => {
            const copy = document.querySelector("article").cloneNode(true);
            for (const part of copy.querySelectorAll("#news, #spoken, #changed, noscript")) part.remove();
            return copy.outerHTML;
        }"""
        assert await kept.evaluate(without) == await anew.evaluate(without)


async def test_the_page_works_without_javascript():
    async with opened(sygnowski(1), snapshot("a:2", name="Ada Łovelace")) as viewer:
        page = await viewer.page(java_script_enabled=False)
        await expect(tile(page, "citations").locator(".value")).to_have_text("812")
        await expect(page.locator("#live")).to_have_text("Snapshot")
        await expect(page.locator(".state .note")).to_contain_text("Reload it for newer numbers")
        await publish(viewer.log, sygnowski(2, more=5))
        await page.reload()
        await expect(tile(page, "citations").locator(".value")).to_have_text("817")
        await page.get_by_role("searchbox", name="Find an author").fill("lovelace")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Ada Łovelace").click()
        await expect(page.locator("h1")).to_have_text("Ada Łovelace")


async def test_the_keyboard_reaches_everything():
    async with opened(sygnowski(1), snapshot("a:2", name="Ada Lovelace")) as viewer:
        page = await viewer.page()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport(ratio=1)
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="impossible")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#reported")).to_be_in_viewport()
        titles = page.locator(".papers h3 a")
        await titles.nth(4).focus()
        await publish(viewer.log, sygnowski(2, more=1))
        await expect(tile(page, "citations").locator(".value")).to_have_text("813")
        await expect(titles.nth(4)).to_be_focused()  # an update takes nothing out of anybody's hands
        await page.get_by_role("searchbox").focus()
        await page.keyboard.type("love")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="Ada Lovelace")).to_be_visible()
        for role in ("banner", "main", "contentinfo", "search"):
            await expect(page.get_by_role(role)).to_have_count(1)


@pytest.mark.parametrize("author_id", ["a/b", "name:émile zola", "..", "x/events", "100%"])
async def test_an_author_with_an_odd_id_is_live_too(author_id):
    async with opened(snapshot(author_id, name="Odd One")) as viewer:
        page = await viewer.page("/search?q=odd")
        await page.get_by_role("link", name="Odd One").click()
        await expect(page.locator("#live")).to_have_text("Live")
        await publish(viewer.log, snapshot(author_id, 2, name="Odd One", citations=77))
        await expect(tile(page, "citations").locator(".value")).to_have_text("77")


HEARD = """
window.heard = 0;
const Own = EventSource;
EventSource = class extends Own {
  constructor(address) { super(address); this.addEventListener("headline", () => window.heard++); }
};
"""


async def test_an_event_that_comes_while_the_page_asks_is_not_lost():
    async with opened(sygnowski(1)) as viewer:
        page = await viewer.page("/search")
        await page.add_init_script(HEARD)
        held = []

        async def hold(route):
            """The answer to the first question is older than the event; it arrives after it."""
            if held:
                return await route.continue_()
            held.append(await route.fetch())
            await publish(viewer.log, snapshot("a:sygnowski", 2, citations=77))
            await page.wait_for_function("window.heard > 0")
            await route.fulfill(response=held[0])

        await page.route("**/fresh?*", hold)
        await page.goto("/authors/a:sygnowski")
        await expect(tile(page, "citations").locator(".value")).to_have_text("77")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
async def test_nothing_sticks_out_of_the_window(width):
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
    told = snapshot(
        "sim:" + "x" * 120,
        name=long,
        citations=123_456_789,
        affiliations=[{"name": long, "papers": 2}],
        papers=[paper(long, 123_456, title=long, authors=[long], affiliations=[long])],
        citations_by_year={str(year): 100_000 + year for year in range(1950, 2027)},
    )
    async with opened(sygnowski(), told) as viewer:
        for path in ("/authors/a:sygnowski", "/authors/" + told["author_id"], "/search?q=donau", "/search"):
            page = await viewer.page(path, viewport={"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            for at in range(
                await page.locator(".whys > details").count()
            ):  # only one of these is open at a time
                await page.locator(".whys summary").nth(at).click()
                assert await page.evaluate("document.documentElement.scrollWidth") <= width, (path, at)
                box = await page.locator(".whys [open] .fold").bounding_box()
                assert box["x"] >= 0 and box["x"] + box["width"] <= width
            await page.evaluate(OPEN_ALL)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path


LINES = """[...document.querySelectorAll(".state > p:first-child > span")]
    .filter((part) => part.textContent).map((part) => {
    const words = document.createRange();
    words.selectNodeContents(part);
    const box = words.getClientRects()[0];
    return [Math.round(box.top), box.left];
})"""


@pytest.mark.parametrize("width", [320, 390])
async def test_no_line_of_the_state_begins_with_a_dot(width):
    """The dot before a part that begins a line lies outside, so its words begin where the name does."""
    async with opened(sygnowski()) as viewer:
        page = await viewer.page(viewport={"width": width, "height": 800})
        await expect(page.locator("#live")).to_have_text("Live")
        edge, lines = (await page.locator("h1").bounding_box())["x"], {}
        for top, left in (await page.evaluate(LINES))[1:]:  # the first has its own, coloured dot
            lines.setdefault(top, left)
        first, *others = [lines[top] for top in sorted(lines)]
        assert others and others == pytest.approx([edge] * len(others), abs=1)
        assert first > edge + 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_its_ground(scheme):
    """WCAG 2 AA: contrast of 4.5 to 1 for every piece of text that has a solid ground (3 to 1 for large
    text).
    """
    async with opened(sygnowski(), SIMULATED) as viewer:
        for path in ("/", "/authors/sim:a1-0", "/search?q=ada"):
            page = await viewer.page(path, color_scheme=scheme, reduced_motion="reduce")
            assert await page.evaluate(CONTRAST) == []
            await page.evaluate(OPEN_ALL)
            assert await page.evaluate(CONTRAST) == []


async def test_a_stopped_service_is_told_and_found_again():
    async with opened(sygnowski(1)) as viewer:
        page = await viewer.page()
        await expect(page.locator("#live")).to_have_text("Live")
        await page.context.set_offline(True)
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.context.set_offline(False)
        await publish(viewer.log, sygnowski(2, more=1))
        await expect(tile(page, "citations").locator(".value")).to_have_text("813")
        await expect(page.locator("#live")).to_have_text("Live")


async def test_the_same_author_is_named_in_the_address_and_in_the_data():
    async with opened(sygnowski()) as viewer:
        page = await viewer.page()
        link = page.get_by_role("link", name="This profile as JSON")
        answer = await page.request.get(await link.get_attribute("href"))
        assert (await answer.json())["author_id"] == SYGNOWSKI


async def test_an_open_page_of_an_author_who_is_merged_goes_to_the_other_one():
    async with opened(snapshot("a:old", 1, name="Old"), snapshot("a:new", 1, name="New")) as viewer:
        page = await viewer.page("/authors/a:old")
        await expect(page.locator("#live")).to_have_attribute("data-state", "live")
        await publish(
            viewer.log, snapshot("a:old", 2, name="Old", papers_total=0, papers=[], redirect="a:new")
        )
        await expect(page.locator("h1")).to_have_text("New")
        assert page.url.endswith("/authors/a:new")
        again = await viewer.page("/authors/a:old")
        await expect(again.locator("h1")).to_have_text("New")
