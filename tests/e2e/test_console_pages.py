"""The console in a browser, on a scripted service."""

import json
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from shared.web.routes import BACKFILLS
from tests.e2e.support.console import Visit, visit
from tests.fakes.console import gallery, wait_for
from tests.fakes.console_jobs import chunk_lines, new_job
from tests.fakes.web import KEY

LONGEST_TASK_MS = 200


def test_an_unknown_key_is_refused_and_a_known_one_kept_in_the_tab_alone(at: Visit) -> None:
    at.go("/")
    at.button("Sign in").click()
    expect(at.alert).to_have_text("Enter an API key.")
    at.page.get_by_label("API key").fill("no such key")
    at.button("Sign in").click()
    expect(at.alert).to_have_text("A key has only visible ASCII characters.")
    at.page.get_by_label("API key").fill("unknown")
    at.button("Sign in").click()
    expect(at.alert).to_have_text("The service does not know this key, or it was revoked.")
    at.page.get_by_label("API key").fill(KEY)
    at.button("Sign in").click()
    expect(at.heading).to_have_text("Jobs")
    at.page.reload()
    expect(at.heading).to_have_text("Jobs")
    another = at.page.context.new_page()
    another.goto(at.scene.url)
    expect(another.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert at.page.evaluate("localStorage.length") == 0
    assert at.page.context.cookies() == []
    at.button("Sign out").click()
    assert at.page.evaluate("sessionStorage.length") == 0


def test_a_key_that_is_revoked_meanwhile_leads_to_the_sign_in(at: Visit) -> None:
    at.enter()
    expect(at.page.get_by_role("heading", name="No backfills yet")).to_be_visible()
    at.scene.refuse(401, "Give a valid API key in the header X-API-Key")
    at.page.get_by_label("Status").select_option("failed")
    expect(at.heading).to_have_text("Sign in")
    expect(at.alert).to_contain_text("revoked")


def test_jobs_are_listed_newest_first_by_pages_and_found_by_status_and_words(at: Visit) -> None:
    gallery(at.scene)
    at.enter()
    jobs = at.page.get_by_role("list", name="Jobs").get_by_role("listitem").filter(visible=True)
    expect(jobs).to_have_count(25)
    expect(jobs.first).to_contain_text("week 34")
    at.button("Older").click()
    expect(jobs.last).to_contain_text("week 1")
    at.button("Newer").click()
    at.page.get_by_label("Status").select_option("failed")
    expect(jobs).to_have_count(1)
    assert "status=failed" in at.page.url
    at.page.get_by_label("Status").select_option("")
    at.page.get_by_label("Search").fill("LEDGER")
    expect(jobs).to_have_count(2)
    at.page.get_by_label("Search").fill("no such thing")
    expect(at.page.get_by_role("heading", name="No job matches")).to_be_visible()
    at.page.get_by_label("Search").fill(at.scene.jobs[3]["job_id"])
    expect(jobs).to_have_count(1)


def test_the_list_refreshes_by_itself(at: Visit) -> None:
    job = at.scene.add(new_job(1, status="transporting", chunks=10, done=1))
    at.page.clock.install()
    at.enter()
    expect(at.page.get_by_text("10 %, 1 of 10 chunks")).to_be_visible()
    job["chunks_left"] = 2
    at.page.clock.run_for(6_000)
    expect(at.page.get_by_text("80 %, 8 of 10 chunks")).to_be_visible()


def test_an_outage_is_told_and_survived_and_retry_after_obeyed(at: Visit) -> None:
    at.enter()
    expect(at.page.get_by_role("heading", name="No backfills yet")).to_be_visible()
    at.scene.refuse(503, "The job store does not answer", Retry_After="55")
    at.page.get_by_label("Status").select_option("failed")
    expect(at.alert).to_contain_text("The job store does not answer")
    expect(at.button("Try now")).to_contain_text("automatically in 5")
    assert "automatically in" not in at.alert.inner_text()
    at.scene.add(new_job(1, status="failed"))
    before = len(at.scene.asked)
    at.button("Try now").click()
    expect(at.alert).to_have_count(0)
    assert len(at.scene.asked) == before + 1
    expect(at.page.get_by_text("week 2")).to_be_visible()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_action_that_is_refused_says_why(at: Visit, status: int) -> None:
    job = at.scene.add(new_job(1, status="failed", chunks=4, done=2, error_message="The topic is gone"))
    at.enter(f"/console/jobs/{job['job_id']}")
    expect(at.page.get_by_text("The topic is gone")).to_be_visible()
    expect(at.page.get_by_role("heading", name="Receipt")).to_be_visible()
    at.scene.refuse(status, "Not now", Retry_After="7")
    at.button("Retry").click()
    expect(at.alert).to_have_text("Not now Try again in 7 seconds.")
    at.button("Retry").click()
    expect(at.button("Pause")).to_be_visible()


def test_a_service_that_says_nothing_is_told_from_one_that_refuses(browser: Browser) -> None:
    with visit(browser) as at:
        at.page.add_init_script(
            "AbortSignal.timeout = (real => ms => real.call(AbortSignal, ms / 30))(AbortSignal.timeout)"
        )
        at.go("/console/")
        at.scene.answers = [None]
        at.page.get_by_label("API key").fill(KEY)
        at.button("Sign in").click()
        expect(at.alert).to_have_text("The service did not answer within 30 seconds.")
        at.page.route(f"**{BACKFILLS}*", lambda route: route.abort())
        at.button("Sign in").click()
        expect(at.alert).to_have_text("The service does not answer.")


def test_a_job_shows_its_chunks_its_rates_its_receipt_and_its_trouble(at: Visit) -> None:
    gallery(at.scene)
    busy = next(job for job in at.scene.jobs if job["num_chunks"] == 2400)
    at.enter(f"/console/jobs/{busy['job_id']}")
    expect(
        at.page.get_by_role("img", name="Chunks: 982 waiting, 48 under way, 1370 done, 0 failed")
    ).to_be_visible()
    expect(at.page.get_by_role("img", name="ledger, rows per second")).to_be_visible()
    expect(at.page.get_by_role("heading", name="ledger has a problem")).to_be_visible()
    expect(at.page.get_by_role("row", name="lake")).to_contain_text("54,800,000")
    expect(at.page.get_by_text("01b8c2f4-0504-7a3e-0002-f0470009d2a6")).to_be_visible()
    at.page.get_by_label("Show chunk").fill("1370")
    expect(at.page.get_by_text("Chunk 1,370:")).to_be_visible()
    colours = at.page.locator("canvas").evaluate(
        "one => new Set(new Uint32Array(one.getContext('2d')"
        ".getImageData(0, 0, one.width, one.height).data.buffer)).size"
    )
    assert colours >= 4, "waiting, under way, done, and what is between"


def test_an_unknown_job_is_said_to_be_unknown(at: Visit) -> None:
    at.enter("/console/jobs/f47ac10b-58cc-4372-a567-0e02b2c3d479")
    expect(at.page.get_by_role("heading", name="No such job")).to_be_visible()


def test_the_apis_description_is_readable_without_a_key(at: Visit) -> None:
    at.go("/console/api")
    expect(at.page.get_by_role("heading", name="Cancel a backfill")).to_be_visible()
    at.page.get_by_role("navigation", name="Contents").get_by_role("link", name="WebhookDestination").click()
    expect(at.page.get_by_role("heading", name="WebhookDestination")).to_be_in_viewport()
    for operation in at.scene.service.api.openapi["paths"].values():
        for call in operation.keys() & {"get", "post"}:
            expect(
                at.page.get_by_role("heading", name=operation[call]["summary"], exact=True)
            ).to_be_attached()


def test_ten_thousand_chunks_leave_the_page_at_hand(at: Visit, browser: Browser) -> None:
    """No task takes 200 ms of processor time; waiting on a busy machine does not count."""
    both = ("kafka", "webhook")
    job = at.scene.add(new_job(1, status="transporting", chunks=10_000, done=9_000, kinds=both))
    at.scene.lines[job["job_id"]] = chunk_lines(job, under_way=64)
    at.enter()
    at.page.get_by_role("link", name="USDC transfers").wait_for()
    browser.start_tracing(
        page=at.page, categories=["disabled-by-default-devtools.timeline", "devtools.timeline"]
    )
    at.page.get_by_role("link", name="USDC transfers").click()
    counted = at.page.get_by_role("img", name="Chunks: 936 waiting, 64 under way, 9000 done")
    expect(counted).to_be_visible()
    at.page.get_by_label("Show chunk").fill("9999")
    expect(at.page.get_by_text("Chunk 9,999:")).to_be_visible()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {one["tid"] for one in events if one.get("args", {}).get("name") == "CrRendererMain"}
    # A task that was running when the trace began or ended has no time of its own.
    tasks = [
        one["tdur"] / 1000
        for one in events
        if one["name"] == "RunTask" and one["tid"] in threads and "tdur" in one
    ]
    assert len(tasks) > 20
    assert max(tasks) < LONGEST_TASK_MS


def test_times_are_in_the_readers_zone_and_in_utc(browser: Browser) -> None:
    with visit(browser, timezone_id="Asia/Kolkata") as at:
        job = new_job(1, age=timedelta(hours=1), time_created="2026-03-01T20:00:00.000000Z")
        at.enter(f"/console/jobs/{at.scene.add(job)['job_id']}")
        expect(at.page.get_by_text("2 Mar 2026, 01:30:00")).to_be_visible()
        expect(at.page.get_by_text("1 Mar 2026, 20:00:00 UTC")).to_be_visible()


def test_a_hidden_page_asks_seldom(at: Visit) -> None:
    at.scene.add(new_job(1, status="transporting", done=3))
    at.enter()
    at.page.clock.install()
    at.page.reload()
    wait_for(lambda: len(at.scene.asked) >= 2, "the list")
    at.page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    at.page.clock.run_for(6_000)
    at.page.wait_for_timeout(300)
    seen = len(at.scene.asked)
    at.page.clock.run_for(30_000)
    at.page.wait_for_timeout(300)
    assert len(at.scene.asked) == seen
    at.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for(lambda: len(at.scene.asked) > seen, "a page that is seen again asks at once")
