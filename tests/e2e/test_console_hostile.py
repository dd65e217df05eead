"""Texts that look like markup or code, everywhere the console shows a text."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.support.console import Visit, visit
from tests.fakes.console_jobs import ESTIMATE, chunk_lines, new_job

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
# Elements that the console itself never creates.
INSERTED = "main :is(script, iframe, object, embed, link, base, meta, style, video, math, img, template)"


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
            # The other rows go once the search has ended, and a click meanwhile would miss its row.
            expect(at.page).to_have_url(re.compile(job["job_id"]))
            expect(names).to_have_count(1)
            at.page.locator(f"a[href$='{job['job_id']}']").click()
            _look_at(at, job["job_name"])
            at.page.go_back()
        _start_again(at, texts)


def _look_at(at: Visit, text: str) -> None:
    expect(at.heading).to_have_text(text)
    expect(at.page.get_by_role("heading", name="Receipt")).to_be_visible()
    at.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    at.page.get_by_label("Show chunk").fill("0")
    expect(at.page.locator(".chunk code").first).to_have_text(text)
    assert at.page.locator(".reason").first.text_content() == text
    assert at.page.locator(INSERTED).count() == 0


def _start_again(at: Visit, texts: list[str]) -> None:
    """Check the values in the form, its faults, the estimate and the commands."""
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
    at.fill_in()
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
