"""`scholarstream run --demo` as a newcomer sees it: the real service in its own process, the printed address
in a real Chromium.
"""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright, expect

from services.producer.simulation.demo import AUTHOR_ID
from tests.browser.opening import CHROMIUM, QUIET
from tests.browser.test_page import tile
from tests.integration.commands import Running, scholarstream
from tests.score_oracle import terms

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds for what comes with the stream

TITLES = (
    "Learning from the memory of Atari 2600",
    "Theano: A Python framework for fast computation of mathematical expressions",
    "Meta-Learning by the Baldwin Effect",
    "Meta-Learning with Latent Embedding Optimization",
    "Task Agnostic Continual Learning via Meta Learning",
    "Importance Weighted Policy Learning and Adaptation",
    "Sequential Changepoint Detection in Neural Networks with Checkpoints",
    "Regularized Behavior Value Estimation",
    "Open-Ended Learning Leads to Generally Capable Agents",
    "An Empirical Study of Implicit Regularization in Deep Offline RL",
    "Human-Timescale Adaptation in an Open-Ended Task Space",
    "Gemini: A Family of Highly Capable Multimodal Models",
    "Gemini 1.5: Unlocking multimodal understanding across millions of tokens of context",
)


async def number(page, name: str) -> int:
    return int((await tile(page, name).locator(".value").inner_text()).replace(",", ""))


async def test_the_demo_is_live_and_comes_back_after_a_crash(tmp_path):
    assert CHROMIUM, "there is no Chromium on this machine: deploy/test-tools.sh installs one"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with Running("run", "--demo", "--port", "0", data_dir=tmp_path / "data") as service:
            address = service.address()
            page = await browser.new_page()
            await page.goto(address)
            scores = (
                await (await page.request.get(f"{address.rstrip('/')}/api/v1/authors/{AUTHOR_ID}")).json()
            )["scores"]
            assert scores["novelty"]["scored"] == sum(len(terms(title, None)) >= 3 for title in TITLES)
            assert not scores["ai_score"]["provisional"], "settled when the page opens"
            await expect(page.locator("h1")).to_have_text("Jakub Sygnowski")
            await expect(page.locator(".who .chip")).to_have_text("LG")
            await expect(page.locator(".banner")).to_contain_text("simulated literature")
            await expect(page.locator(".papers > li h3")).to_have_count(13)
            assert sorted(await page.locator(".papers > li h3").all_inner_texts()) == sorted(TITLES)
            for name, value, reported in (("Novelty", r"\d+%", "60%"), ("AI score", r"\d+", "35")):
                await expect(tile(page, name).locator("dd").first).to_have_text(re.compile(f"^{value}$"))
                await expect(tile(page, name)).to_contain_text(f"reported {reported}")
            await expect(tile(page, "h-index")).to_contain_text("reported 102")
            await expect(page.locator(".why")).to_contain_text("needs at least 102 papers")

            await page.evaluate("window.sameDocument = true")
            before = await number(page, "citations")
            await expect(tile(page, "citations").locator(".value")).not_to_have_text(
                f"{before:,}", timeout=PATIENCE
            )
            assert await number(page, "citations") > before and await page.evaluate("window.sameDocument")
            seen = await number(page, "citations")
            service.kill()

        await expect(page.locator("#live")).to_have_text(re.compile("Reconnecting"), timeout=PATIENCE)
        with Running(
            "run", "--demo", "--port", str(urlsplit(address).port), data_dir=tmp_path / "data"
        ) as again:
            again.address()
            await expect(page.locator("#live")).to_have_text("Live", timeout=PATIENCE)
            await expect(tile(page, "citations").locator(".value")).not_to_have_text(
                f"{seen:,}", timeout=PATIENCE
            )
            assert await number(page, "citations") > seen and await page.evaluate("window.sameDocument"), (
                "went on, without a reload"
            )
            code, seconds = again.interrupt()
            assert code == 0 and seconds < 2.5
        await browser.close()
    scholarstream("run", "--exit-when-idle", "--no-port", data_dir=tmp_path / "data")
    scholarstream("verify", data_dir=tmp_path / "data")
