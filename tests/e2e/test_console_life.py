"""A whole job by clicks, on the real stack."""

import json

import pytest
from playwright.sync_api import Page, expect

from infra.local.supervisor import LocalStack
from tests.e2e.support.browser import PATIENCE_MS, browser, sign_in
from tests.e2e.support.client import MARCH
from tests.e2e.support.organizations import Organization
from tests.e2e.support.receiver import Patient, Reply, rows_once
from tests.e2e.support.tables import Warehouse

pytestmark = pytest.mark.stack

ROWS = 30_000


@pytest.fixture
def organization(stack: LocalStack) -> Organization:
    return Organization.new(stack, "at-the-console")


def test_a_job_is_made_paused_resumed_mended_retried_and_another_cancelled(
    organization: Organization, warehouse: Warehouse
) -> None:
    table, ids = warehouse.create_hashes("CONSOLE", ROWS)
    early, refusal = [Reply(200)] * 4, Reply(410)
    with Patient(*early, refusal, at_once=4) as receiver, browser() as running:
        page = running.new_page()
        page.set_default_timeout(PATIENCE_MS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        sign_in(page, organization.client.api_url, organization.client.api_key)
        expect(page.get_by_role("heading", name="No backfills yet")).to_be_visible()
        _make(page, table, receiver.url)
        _badge(page, "transporting")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("heading", name="The job is paused")).to_be_visible()
        page.get_by_role("button", name="Resume").click()
        _badge(page, "transporting")
        receiver.may_answer.set()
        expect(page.get_by_role("heading", name="The job failed")).to_be_visible()
        expect(page.locator(".notice.error .reason")).to_contain_text("410")
        page.get_by_role("button", name="Retry").click()
        _badge(page, "completed")
        expect(page.get_by_text("The receipt balances")).to_be_visible()
        expect(page.get_by_role("row", name="clicked-hook")).to_contain_text(f"{ROWS:,}")
        expect(page.get_by_text(f"{ROWS:,} of {ROWS:,} rows").first).to_be_visible()
        assert sorted(str(row["unique_id"]) for row in rows_once(receiver.requests)) == sorted(ids)
        (job,) = organization.client.list()
        assert page.url.endswith(job["job_id"])
        _again_and_cancel(page, receiver)
    statuses = [job["status"] for job in organization.client.list()]
    assert (statuses, wrong) == (["completed", "cancelled"], [])


def _make(page: Page, table: str, url: str) -> None:
    following = page.get_by_role("button", name="Next")
    page.get_by_role("link", name="New backfill").first.click()
    page.get_by_label("Name").fill("By clicks")
    page.get_by_label("Table").fill(table)
    following.click()
    page.get_by_label("From").fill(MARCH[0])
    page.get_by_label("To", exact=True).fill(MARCH[1])
    following.click()
    following.click()
    following.click()
    page.get_by_role("button", name="Add destination").click()
    page.get_by_label("Name").fill("clicked")
    page.get_by_label("Kind of destination").select_option("webhook")
    page.get_by_role("button", name="Add destination").click()
    form = page.get_by_role("group", name="Webhook")
    form.get_by_label("Name").fill("clicked-hook")
    form.get_by_label("URL").fill(url)
    following.click()
    expect(page.get_by_text(f"{ROWS:,}", exact=True)).to_be_visible()
    following.click()
    request = json.loads(page.get_by_label("The request", exact=True).inner_text())
    assert request["destinations"][1] == {"type": "webhook", "name": "clicked-hook", "url": url}
    page.get_by_role("button", name="Create backfill").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("By clicks")


def _again_and_cancel(page: Page, receiver: Patient) -> None:
    receiver.may_answer.clear()
    page.get_by_role("link", name="Start again").click()
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Create backfill").click()
    page.get_by_role("button", name="Cancel job…").click()
    page.get_by_role("button", name="Cancel the job").click()
    _badge(page, "cancelled")
    receiver.may_answer.set()


def _badge(page: Page, status: str) -> None:
    expect(page.locator(".title .badge")).to_have_text(status)
