"""The console's accessibility: without a mouse, with a screen reader, and on small and large screens."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.support.console import Visit, visit
from tests.fakes.console import gallery
from tests.fakes.console_jobs import ESTIMATE, chunk_lines, new_job
from tests.fakes.web import KEY

# Four calls and a schema have every colour of the API's description, whose thousands of elements are slow.
_COLOURS = "nav, section.call:nth-of-type(-n+4), #shape-WebhookDestination"
SCREENS = [(360, 800), (1280, 900), (3840, 2100)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_of_either_scheme(browser: Browser, scheme: str) -> None:
    """Check one scheme with all rules and the other with the colour rules, because they differ only in
    colours.
    """
    rules = () if scheme == "light" else ("color-contrast", "link-in-text-block")
    with visit(browser, color_scheme=scheme) as at:
        gallery(at.scene)
        at.scene.estimate = ESTIMATE
        at.go("/console/")
        assert at.complaints(*rules) == []
        at.enter()
        expect(at.page.get_by_text("week 34")).to_be_visible()
        assert at.complaints(*rules) == []
        at.page.get_by_role("link", name="week 33").click()
        expect(at.page.get_by_role("heading", name="Receipt")).to_be_visible()
        at.page.get_by_label("Show chunk").fill("3")
        at.page.get_by_text("Settings").first.click()
        assert at.complaints(*rules) == []
        at.button("Cancel job").click()
        assert at.complaints(*rules) == []
        at.button("Keep it").click()
        at.page.get_by_role("link", name="Jobs").first.click()
        at.page.get_by_role("link", name="week 31").click()
        expect(at.page.get_by_role("heading", name="The job failed")).to_be_visible()
        assert at.complaints(*rules) == []
        at.page.get_by_role("link", name="New backfill").click()
        at.button("Next").click()
        expect(at.alert).to_be_visible()
        assert at.complaints(*rules) == []
        at.fill_in()
        at.page.get_by_text("More settings").click()
        assert at.complaints(*rules) == []
        at.page.get_by_label("Name").fill("hook")
        at.page.get_by_label("URL").fill("https://example.com/rows")
        at.button("Next").click()
        expect(at.page.get_by_text("1,234,567")).to_be_visible()
        assert at.complaints(*rules) == []
        at.button("Next").click()
        at.page.get_by_text("The same with curl").click()
        assert at.complaints(*rules) == []
        at.page.get_by_role("link", name="API", exact=True).click()
        expect(at.page.get_by_role("heading", name="WebhookDestination")).to_be_attached()
        assert at.complaints(*rules, within=_COLOURS if rules else None) == []


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_sticks_out_of_the_screen(browser: Browser, screen: tuple[int, int]) -> None:
    with visit(browser, viewport={"width": screen[0], "height": screen[1]}) as at:
        gallery(at.scene)
        job = at.scene.add(new_job(60, status="failed", error_message="y" * 900, job_name="n" * 200))
        at.scene.lines[job["job_id"]] = chunk_lines(job)
        at.enter()
        for path in ("/console/", f"/console/jobs/{job['job_id']}", "/console/new", "/console/api"):
            at.go(path)
            expect(at.heading).to_be_visible()
            at.page.wait_for_load_state("networkidle")
            wide = at.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, path


def test_a_job_is_looked_at_paused_and_cancelled_by_keyboard_alone(browser: Browser) -> None:
    with visit(browser) as at:
        at.scene.add(new_job(1, status="transporting", chunks=10, done=4))
        keyboard = at.page.keyboard
        at.go("/console/")
        keyboard.type(KEY)
        keyboard.press("Enter")
        expect(at.heading).to_have_text("Jobs")
        _tab_to(at, "USDC transfers on Base, week 2")
        keyboard.press("Enter")
        expect(at.heading).to_have_text("USDC transfers on Base, week 2")
        expect(at.heading).to_be_focused()
        _tab_to(at, "Pause")
        keyboard.press("Enter")
        expect(at.button("Resume")).to_be_focused()
        expect(at.page.get_by_role("status").filter(has_text="The job is paused")).to_be_attached()
        keyboard.press("Space")
        expect(at.button("Pause")).to_be_focused()
        _tab_to(at, "Cancel job…")
        keyboard.press("Enter")
        expect(at.button("Keep it")).to_be_focused()
        keyboard.press("Escape")
        expect(at.page.get_by_role("dialog")).to_have_count(0)
        expect(at.button("Cancel job…")).to_be_focused()
        keyboard.press("Enter")
        keyboard.press("Tab")
        keyboard.press("Enter")
        expect(at.page.get_by_role("heading", name="The job was cancelled")).to_be_visible()
        assert at.scene.jobs[0]["status"] == "cancelled"
        at.page.go_back()
        expect(at.heading).to_have_text("Jobs")


def test_a_backfill_is_made_by_keyboard_alone(browser: Browser) -> None:
    with visit(browser) as at:
        at.scene.estimate = ESTIMATE
        keyboard = at.page.keyboard
        at.enter()
        _tab_to(at, "New backfill")
        keyboard.press("Enter")
        for words, text in (("Name", "By hand"), ("Table", "base.assets.erc20_token_transfers")):
            _tab_to(at, words)
            keyboard.type(text)
        keyboard.press("Enter")
        for words, text in (("From", "2026-03-01"), ("To", "2026-03-02")):
            _tab_to(at, words)
            keyboard.type(text)
        keyboard.press("Enter")
        for title in ("3. Filter", "4. Columns"):
            expect(at.page.get_by_role("heading", name=title)).to_be_focused()
            _tab_to(at, "Next")
            keyboard.press("Enter")
        _tab_to(at, "Add destination")
        keyboard.press("Enter")
        keyboard.type("by-hand")
        keyboard.press("Enter")
        expect(at.page.get_by_text("1,234,567")).to_be_visible()
        _tab_to(at, "Next")
        keyboard.press("Enter")
        expect(at.page.get_by_role("heading", name="7. Confirm")).to_be_focused()
        _tab_to(at, "Create backfill")
        keyboard.press("Enter")
        expect(at.heading).to_have_text("By hand")


def _tab_to(at: Visit, name: str) -> None:
    """Press Tab until the element with this accessible name has the focus."""
    for _ in range(60):
        at.page.keyboard.press("Tab")
        focused = at.page.evaluate(
            "(one => one.labels?.[0]?.textContent ?? one.ariaLabel ?? one.textContent)"
            "(document.activeElement)"
        )
        if focused.removesuffix(" optional").strip() == name:
            return
    raise AssertionError(f"Tab does not reach {name}")
