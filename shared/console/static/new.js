// A new backfill, step by step.

import { h } from "./dom.js";

export function newPage() {
  return { title: "New backfill", element: h("div", { class: "page" }, h("h1", { tabindex: "-1" }, "New backfill")) };
}
