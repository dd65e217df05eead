// The frame: routes, navigation without reloading, and the signed-in state.

import { key, session, signOut } from "./api.js";
import { h } from "./dom.js";
import { apiPage } from "./reference.js";
import { jobPage } from "./job.js";
import { jobsPage } from "./jobs.js";
import { newPage } from "./new.js";
import { signInPage } from "./sign_in.js";

const PAGES = [
  [/^\/(console\/?)?$/, jobsPage, "/console/"],
  [/^\/console\/new$/, newPage, "/console/new"],
  [/^\/console\/jobs\/([0-9A-Fa-f-]{36})$/, jobPage, "/console/"],
  [/^\/console\/api$/, apiPage, "/console/api"],
];
const content = document.getElementById("content");
const navigation = document.getElementById("navigation");
let page = null;

function route() {
  for (const [pattern, make, place] of PAGES) {
    const found = pattern.exec(location.pathname);
    if (found) return { make, place, parameters: found.slice(1) };
  }
  return { make: jobsPage, place: "/console/", parameters: [] };
}

function render({ reason = "", focus = true } = {}) {
  const { make, place, parameters } = route();
  page?.stop?.();
  const open = key() || make === apiPage;
  page = open ? make(...parameters) : signInPage(reason);
  document.title = `${page.title} – Backfills`;
  content.replaceChildren(page.element);
  navigate(place);
  window.scrollTo(0, 0);
  const target = page.focus ?? content.querySelector("h1");
  if (focus || !open) target?.focus();
}

function navigate(place) {
  const link = (path, text, name) =>
    h("a", { href: path, class: name, "aria-current": path === place ? "page" : null }, text);
  const out = h("button", { type: "button", class: "plain", onclick: () => signOut() }, "Sign out");
  navigation.replaceChildren(
    link("/console/", "Jobs"),
    link("/console/api", "API"),
    key() ? link("/console/new", ["New", h("span", { class: "wide" }, " backfill")], "primary") : "",
    key() ? out : "",
  );
}

export function go(path) {
  history.pushState(null, "", path);
  render();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || event.defaultPrevented) return;
  event.preventDefault();
  go(link.getAttribute("href"));
});
document.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("go", (event) => go(event.detail));
window.addEventListener("popstate", () => render());
session.addEventListener("in", () => render());
session.addEventListener("out", (event) => render({ reason: event.detail }));
render({ focus: false });
