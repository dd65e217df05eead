// The form for a new backfill, step by step. The tab keeps the input until the job is created.

import { BACKFILLS, call, description } from "./api.js";
import { commands } from "./commands.js";
import { announce, h, say, show } from "./dom.js";
import { estimated } from "./estimate.js";
import { Book } from "./fields.js";
import { parse, write } from "./json.js";
import { steps } from "./steps.js";

const DRAFT = "backfills.draft";

export function newPage() {
  const from = new URLSearchParams(location.search).get("from");
  const content = h("div", { class: "stack" }, h("p", { class: "quiet", role: "status" }, "Loading the form…"));
  const element = h("div", { class: "page narrow" }, h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "New backfill")), content);
  load(from).then(
    ({ document, body }) => content.replaceChildren(wizard(document, body)),
    (error) => content.replaceChildren(h("div", { class: "notice error", role: "alert" }, h("p", {}, error.message), h("a", { href: `/console/new${from ? `?from=${from}` : ""}` }, "Try again"))),
  );
  return { title: "New backfill", element };
}

async function load(from) {
  const job = from && /^[0-9a-f-]{36}$/.test(from) ? call("GET", `${BACKFILLS}/${from}`) : null;
  const document = await description();
  if (job) return { document, body: asked((await job).data, document) };
  const draft = sessionStorage.getItem(DRAFT);
  return { document, body: draft ? parse(draft) : {} };
}

// The request that would create the same job again.
function asked(job, document) {
  const names = Object.keys(document.components.schemas.CreateBackfill.properties);
  const fields = Object.fromEntries(names.filter((name) => name in job).map((name) => [name, job[name]]));
  return {
    ...fields,
    backfill_window: { partition_key: job.partition_key, start: job.backfill_start, end: job.backfill_end },
    filter: job.filter_column === null ? undefined : { column: job.filter_column, values: job.filter_values },
    destinations: job.destinations.map(({ uid: _, state: __, ...one }) => one),
  };
}

function wizard(document, body) {
  const book = new Book();
  const form = steps(book, document);
  const look = { name: "estimate", title: "Estimate", element: h("div"), fields: () => [], check: () => [] };
  const confirm = { name: "confirm", title: "Confirm", element: h("div"), fields: () => [], check: () => [] };
  const all = [...form.all, look, confirm];
  const tabs = all.map((step, place) => h("button", { type: "button", onclick: () => turn(place) }, h("span", { class: "place", "aria-hidden": "true" }, place + 1), h("span", {}, step.title)));
  const title = h("h2", { tabindex: "-1" });
  const summary = h("div", { class: "notice error", role: "alert", hidden: true });
  const box = h("div", { class: "stack" });
  const back = h("button", { type: "button", onclick: () => turn(at - 1) }, "Back");
  const next = h("button", { type: "submit", class: "primary" });
  let at = 0;
  let sent = { text: "", key: "" };
  let estimatedText = "";
  form.write(body);

  function keep() {
    try {
      sessionStorage.setItem(DRAFT, write(form.read()));
    } catch {
      // Incomplete JSON or full storage: the form still has the input.
    }
  }

  // Move forward only over steps without faults.
  function turn(to) {
    keep();
    for (let place = at; place < to; place += 1) if (faulty(place)) return;
    open(to);
    title.focus();
  }

  function faulty(place) {
    const step = all[place];
    book.clear(step.fields());
    const faults = step.check();
    if (faults.length) blame(faults);
    else show(summary, false);
    return faults.length > 0;
  }

  function open(place) {
    at = place;
    const step = all[at];
    say(title, `${at + 1}. ${step.title}`);
    box.replaceChildren(step.element);
    tabs.forEach((tab, one) => (one === at ? tab.setAttribute("aria-current", "step") : tab.removeAttribute("aria-current")));
    show(back, at > 0);
    say(next, step === confirm ? "Create backfill" : "Next");
    if (step === look) estimate();
    if (step === confirm) confirm.element.replaceChildren(review());
  }

  // Show faults beside their fields, open the step of the first one, and list them all.
  function blame(faults) {
    book.clear();
    const told = book.tell(faults);
    const owner = (one) => all.findIndex((step) => step.fields().includes(one) || (step.name === "destinations" && one?.words === "Destinations"));
    const first = told.map(({ field: one }) => owner(one)).find((place) => place >= 0);
    const item = ({ field: one, of, text }) => {
      const words = one ? `${of}${of ? one.words.toLowerCase() : one.words}: ${text}` : text;
      return h("li", {}, one ? h("button", { type: "button", class: "plain", onclick: () => reach(one, owner(one)) }, words) : words);
    };
    summary.replaceChildren(h("h2", {}, told.length === 1 ? "One fault to fix" : `${told.length} faults to fix`), h("ul", { class: "dots" }, told.map(item)));
    show(summary, true);
    if (first !== undefined && first !== at) open(first);
    const one = told.find(({ field: found }) => found)?.field;
    if (one) reach(one, owner(one));
  }

  function reach(one, place) {
    if (place !== at) open(place);
    all[place]?.unfold?.(one.input);
    one.input.closest("details")?.setAttribute("open", "");
    one.input.focus();
  }

  function fail(error) {
    if (error.faults?.length) return blame(error.faults);
    summary.replaceChildren(h("p", {}, error.message), error.after ? h("p", {}, `Try again in ${error.after} seconds.`) : "");
    show(summary, true);
  }

  async function estimate({ again = false } = {}) {
    const text = write(form.read());
    if (text === estimatedText && !again) return;
    const status = h("p", { class: "quiet", role: "status" }, "Snowflake is counting the rows…");
    const retry = h("button", { type: "button", onclick: () => estimate({ again: true }) }, "Estimate again");
    look.element.replaceChildren(status);
    try {
      const { data } = await call("POST", `${BACKFILLS}/estimate`, { body: text });
      estimatedText = text;
      show(summary, false);
      look.element.replaceChildren(estimated(data), h("div", { class: "buttons after" }, retry));
      announce(`The slice has ${data.rows} rows`);
    } catch (error) {
      look.element.replaceChildren(h("p", { class: "quiet" }, "There is no estimate. You can create the backfill without one."), h("div", { class: "buttons after" }, retry));
      fail(error);
    }
  }

  function review() {
    const wanted = form.read();
    return h(
      "div",
      { class: "stack" },
      h("p", {}, "This request creates the job. Rows begin to arrive within minutes. You can pause or cancel the job at any time."),
      h("pre", { tabindex: "0", "aria-label": "The request" }, h("code", {}, write(wanted, 2))),
      commands(wanted),
    );
  }

  async function create() {
    if (all.some((_, place) => faulty(place))) return;
    const text = write(form.read());
    // Repeated clicks on the button create only one job.
    if (sent.text !== text) sent = { text, key: `console-${[...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("")}` };
    next.disabled = true;
    try {
      const { data } = await call("POST", BACKFILLS, { body: text, headers: { "Idempotency-Key": sent.key } });
      sessionStorage.removeItem(DRAFT);
      globalThis.document.dispatchEvent(new CustomEvent("go", { detail: `/console/jobs/${data.job_id}` }));
    } catch (error) {
      fail(error);
    } finally {
      next.disabled = false;
    }
  }

  const submit = (event) => {
    event.preventDefault();
    if (all[at] === confirm) create();
    else turn(at + 1);
  };
  open(0);
  return h(
    "form",
    { class: "stack wizard", onsubmit: submit, onchange: keep, novalidate: true },
    h("ol", { class: "steps" }, tabs.map((tab) => h("li", {}, tab))),
    summary,
    h("section", { class: "card" }, title, box, h("div", { class: "buttons after" }, back, next)),
  );
}
