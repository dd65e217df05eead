"""Take the screenshots of docs/console.md: ``.venv/bin/python -m tests.e2e.support.pictures [folder]``."""

import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.support.browser import browser
from tests.e2e.support.console import Visit, visit
from tests.fakes.console import gallery
from tests.fakes.console_jobs import ESTIMATE

FOLDER = Path(__file__).parents[3] / "docs/pictures"
MOST_BYTES = 100_000
SIZE: ViewportSize = {"width": 1280, "height": 720}
TALLER = 1160
SCALE = 0.75


def main(folder: Path) -> None:
    """Take each in the documentation's size."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        browser() as running,
        visit(running, viewport=SIZE, device_scale_factor=SCALE, timezone_id="Europe/Paris") as at,
    ):
        gallery(at.scene)
        at.enter()
        expect(at.page.get_by_role("link", name="week 33")).to_be_visible()
        _take(at.page, folder / "console-jobs.png")
        at.page.get_by_role("link", name="week 33").click()
        expect(at.page.get_by_role("heading", name="Receipt")).to_be_visible()
        at.page.set_viewport_size({**SIZE, "height": TALLER})
        _take(at.page, folder / "console-job.png")
        at.page.set_viewport_size(SIZE)
        _estimate(at)
        _take(at.page, folder / "console-new.png")


def _estimate(at: Visit) -> None:
    at.scene.estimate = ESTIMATE
    job_id = at.scene.jobs[-1]["job_id"]
    at.go(f"/console/new?from={job_id}")
    at.button("Estimate").click()
    expect(at.page.get_by_text("1,234,567")).to_be_visible()


def _take(page: Page, path: Path) -> None:
    page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    assert size < MOST_BYTES, f"{path} has {size} bytes"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
