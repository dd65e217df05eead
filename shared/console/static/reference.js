// The API's description as a page.

import { h } from "./dom.js";

export function apiPage() {
  return { title: "API", element: h("div", { class: "page" }, h("h1", { tabindex: "-1" }, "API")) };
}
