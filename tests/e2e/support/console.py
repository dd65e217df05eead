"""A user at the console of a scripted service."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.support.browser import PATIENCE_MS, sign_in
from tests.fakes.console import Scene, scene
from tests.fakes.web import KEY

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Visit:
    """``wrong``: the browser's error messages, except for answers that the test caused."""

    page: Page
    scene: Scene
    wrong: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.scene.url + path)

    def enter(self, path: str = "/console/") -> None:
        sign_in(self.page, self.scene.url, KEY, path)
        expect(self.heading).not_to_have_text("Sign in")

    @property
    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert").filter(visible=True)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name)

    def fill_in(self) -> None:
        """Fill in the steps up to a webhook's form."""
        self.page.get_by_label("Name").fill("A week of transfers")
        self.page.get_by_label("Table").fill("base.assets.erc20_token_transfers")
        self.button("Next").click()
        self.page.get_by_label("From").fill("2026-03-01")
        self.page.get_by_label("To", exact=True).fill("2026-03-08")
        self.button("Next").click()
        self.page.get_by_label("Column").fill("amount")
        self.page.get_by_label("Type of its values").select_option("number")
        self.page.get_by_role("textbox", name="Values").fill("1\n12345678901234567890123")
        self.button("Next").click()
        self.page.get_by_label("Columns").fill("block_number\namount as value")
        self.button("Next").click()
        self.page.get_by_label("Kind of destination").select_option("webhook")
        self.button("Add destination").click()

    def complaints(self, *rules: str, within: str | None = None) -> list[str]:
        """Return axe's findings, by its default rules or the named ones; ``within``: a selector, else the
        whole page.
        """
        # Axe describes what passes at length unless told otherwise.
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = list(rules)
        found = Axe().run(self.page, context=within, options=options)
        return [
            f"{one['id']}: {[json.dumps(node['target']) + node['failureSummary'] for node in one['nodes']]}"
            for one in found.response["violations"]
        ]


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[Visit]:
    """Open a new window on a new service."""
    with scene() as made:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        context.set_default_timeout(PATIENCE_MS)
        found = Visit(context.new_page(), made)
        found.page.on("pageerror", lambda error: found.wrong.append(str(error)))
        found.page.on("console", lambda told: found.wrong.append(told.text) if _amiss(told.text) else None)
        try:
            yield found
        finally:
            made.ended.set()
            context.close()
        assert found.wrong == []


def _amiss(text: str) -> bool:
    return not text.startswith("Failed to load resource")
