"""The console for who uses no mouse or sees no screen, on small and large ones, and against hostile texts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.support.browser import browser as started
from tests.e2e.support.console import Visit, visit
from tests.e2e.test_console_pages import fill_in
from tests.fakes.console import ESTIMATE, chunk_lines, gallery, new_job
from tests.fakes.web import KEY

HOSTILE = [
    "<script>harm()</script>",
    "<img src=x onerror=harm()>",
    "<svg onload=harm()>",
    "<svg><script>harm()</script></svg>",
    "<body onload=harm()>",
    "<iframe src=javascript:harm()></iframe>",
    "<iframe srcdoc='<script>parent.harm()</script>'></iframe>",
    "<a href=javascript:harm()>x</a>",
    "<details open ontoggle=harm()>",
    "<input autofocus onfocus=harm()>",
    "<video><source onerror=harm()></video>",
    "<math><mtext><img src=x onerror=harm()></mtext></math>",
    "<style>@import '//evil.example/x.css'</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button autofocus>x</button></form>",
    "<object data=javascript:harm()></object>",
    "<embed src=javascript:harm()>",
    "<template><script>harm()</script></template>",
    '"><script>harm()</script>',
    "'><img src=x onerror=harm()>",
    '" onmouseover="harm()" autofocus onfocus="harm()',
    "` onload=harm() `",
    "</textarea><script>harm()</script>",
    "</title><script>harm()</script>",
    "</style><script>harm()</script>",
    "</script><script>harm()</script>",
    "<!--<script>harm()//-->",
    "]]><script>harm()</script>",
    "javascript:harm()",
    "data:text/html,<script>harm()</script>",
    "{{constructor.constructor('harm()')()}}",
    "${harm()}",
    "`code` `` <b>bold</b>",
    "\u202egnp.exe\u2066",
    "&lt;script&gt;harm()&lt;/script&gt;",
    "\x00<scr\x00ipt>harm()</script>",
    "x" * 3000,
    "__proto__",
]
# What the console itself never makes.
INSERTED = "main :is(script, iframe, object, embed, link, base, meta, style, video, math, img, template)"
SCREENS = [(360, 800), (1280, 900), (3840, 2100)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_of_either_scheme(browser: Browser, scheme: str) -> None:
    """By all rules in the one, by those of colours in the other, which differs in nothing else."""
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
        at.page.get_by_label("Look at chunk").fill("3")
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
        fill_in(at)
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
        assert at.complaints(*rules) == []


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
    """Press Tab until the focus is on what a screen reader calls so."""
    for _ in range(60):
        at.page.keyboard.press("Tab")
        focused = at.page.evaluate(
            "(one => one.labels?.[0]?.textContent ?? one.ariaLabel ?? one.textContent)"
            "(document.activeElement)"
        )
        if focused.removesuffix(" optional").strip() == name:
            return
    raise AssertionError(f"Tab does not reach {name}")


@pytest.mark.parametrize("part", range(2))
def test_hostile_texts_are_shown_as_texts_and_run_nothing(browser: Browser, part: int) -> None:
    with visit(browser) as at:
        at.page.expose_function("told", lambda: at.wrong.append("a hostile text ran"))
        at.page.add_init_script("window.harm = () => window.told()")
        texts = HOSTILE[part::2]
        for number, text in enumerate(texts):
            _add_hostile(at, number, text)
        at.enter()
        names = at.page.locator(".jobs .name")
        expect(names).to_have_count(len(texts))
        assert sorted(names.all_text_contents()) == sorted(texts)
        for job in at.scene.jobs:
            at.page.get_by_label("Search").fill(job["job_id"])
            at.page.locator(f"a[href$='{job['job_id']}']").click()
            _look_at(at, job["job_name"])
            at.page.go_back()
        _start_again(at, texts)


def _look_at(at: Visit, text: str) -> None:
    expect(at.heading).to_have_text(text)
    expect(at.page.get_by_role("heading", name="Receipt")).to_be_visible()
    at.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    at.page.get_by_label("Look at chunk").fill("0")
    expect(at.page.locator(".chunk code").first).to_have_text(text)
    assert at.page.locator(".reason").first.text_content() == text
    assert at.page.locator(INSERTED).count() == 0


def _start_again(at: Visit, texts: list[str]) -> None:
    """Their values in the form, in the faults beside it, in the estimate and in the commands."""
    at.scene.estimate = ESTIMATE | {
        "warnings": texts,
        "first_rows": [{text: text for text in texts} | {"b": {text: [text] for text in texts}}],
        "cost": ESTIMATE["cost"]
        | {"assumptions": texts, "parts": {text: {"low": 1, "high": 2} for text in texts}},
    }
    at.go(f"/console/new?from={at.scene.jobs[0]['job_id']}")
    at.button("Estimate").click()
    expect(at.alert).to_be_visible()
    at.page.evaluate("sessionStorage.removeItem('backfills.draft')")
    at.go("/console/new")
    fill_in(at)
    at.page.get_by_label("Name").fill("hook")
    at.page.get_by_label("URL").fill("https://example.com/rows")
    at.scene.refuse(422, [{"loc": ["body", text], "msg": text, "type": text} for text in texts])
    at.button("Next").click()
    expect(at.page.locator(".notice.error li")).to_have_count(len(texts))
    at.button("Estimate again").click()
    expect(at.page.locator(".notice.warning li")).to_have_text(texts)
    expect(at.page.locator(".rows th").first).to_have_text(texts[0])
    assert at.page.locator(INSERTED).count() == 0


def _add_hostile(at: Visit, number: int, text: str) -> None:
    job = new_job(number, status="failed", chunks=2, done=1, job_name=text, error_message=text)
    job |= {
        "table": text,
        "filter_column": text,
        "filter_values": [text],
        "columns": [text, {"column": text, "as": text}],
    }
    job |= {"backfill_start": text, "backfill_end": text, "workflow_id": text, "oversized_rows": text}
    place = job["destinations"][0]
    place |= {"name": text, "key_column": text, "state": place["state"] | {"last_error": text}}
    lines = chunk_lines(job, under_way=1)
    for line in lines:
        line |= {"file": text, "crc32c": text}
    at.scene.add(job, lines)
