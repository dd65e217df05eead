// The list of jobs: newest first, in pages, with a filter by status and a text search.

import { BACKFILLS, call } from "./api.js";
import { announce, h, hold, say, show } from "./dom.js";
import { percent, time, whole } from "./format.js";
import { badge, destination, meter, troubles } from "./parts.js";
import { poll } from "./poll.js";

const STATUSES = ["staging", "transporting", "completed", "failed", "cancelled"];
const PAGE = 25;
const SEARCHED_AT_ONCE = 500;
const BUSY_SECONDS = 5;
const QUIET_SECONDS = 20;
const JOB_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function jobsPage() {
  const asked = new URLSearchParams(location.search);
  const state = {
    status: STATUSES.includes(asked.get("status")) ? asked.get("status") : "",
    words: asked.get("search") ?? "",
    paths: [],
    next: null,
    deep: 1,
  };
  const rows = new Map();
  const list = h("ol", { class: "jobs", "aria-label": "Jobs, newest first" });
  const empty = h("div", { class: "empty card", hidden: true });
  const count = h("p", { class: "quiet", role: "status" });
  const newer = h("button", { type: "button", onclick: () => turn(-1) }, "Newer");
  const older = h("button", { type: "button", onclick: () => turn(1) }, "Older");
  const trouble = troubles(() => asking.now());
  const search = h("input", { type: "search", id: "search", value: state.words, placeholder: "Name, table, destination or id", oninput: typed });
  const statuses = h("select", { id: "status", onchange: chosen }, h("option", { value: "" }, "All"), STATUSES.map((one) => h("option", { value: one }, one)));
  statuses.value = state.status;
  let typing = null;

  function typed() {
    clearTimeout(typing);
    typing = setTimeout(() => restart({ words: search.value.trim() }), 250);
  }

  function chosen() {
    restart({ status: statuses.value });
  }

  function restart(changes) {
    Object.assign(state, changes, { paths: [], next: null, deep: 1 });
    const query = new URLSearchParams();
    if (state.status) query.set("status", state.status);
    if (state.words) query.set("search", state.words);
    history.replaceState(null, "", `/console/${query.size ? `?${query}` : ""}`);
    asking.now();
  }

  function turn(way) {
    if (way > 0 && state.words) state.deep += 1;
    else if (way > 0) state.paths.push(state.next);
    else state.paths.pop();
    asking.now();
  }

  async function refresh(signal) {
    const found = state.words ? await searched(signal) : await onePage(signal);
    update(found);
    const busy = found.some((job) => job.status === "staging" || job.status === "transporting");
    return busy && !state.words ? BUSY_SECONDS : QUIET_SECONDS;
  }

  const first = (limit) => `${BACKFILLS}?order=desc&limit=${limit}${state.status ? `&status=${state.status}` : ""}`;

  async function onePage(signal) {
    const { data, next } = await call("GET", state.paths.at(-1) ?? first(PAGE), { signal });
    state.next = next;
    const from = state.paths.length * PAGE;
    say(count, data.length ? `Jobs ${whole(from + 1)} to ${whole(from + data.length)}, newest first` : "");
    return data;
  }

  async function searched(signal) {
    if (JOB_ID.test(state.words)) {
      const { data } = await call("GET", `${BACKFILLS}/${state.words.toLowerCase()}`, { signal }).catch((error) => {
        if (error.status === 404) return { data: null };
        throw error;
      });
      say(count, "");
      state.next = null;
      return data ? [data] : [];
    }
    const found = [];
    let looked = 0;
    let path = first(100);
    while (path && looked < state.deep * SEARCHED_AT_ONCE) {
      const { data, next } = await call("GET", path, { signal });
      looked += data.length;
      found.push(...data.filter(fits));
      path = next;
    }
    state.next = path;
    say(count, `${whole(found.length)} of the newest ${whole(looked)} jobs${path ? "; older ones are not searched yet" : ""}`);
    return found;
  }

  function fits(job) {
    const text = [job.job_name, job.table, job.job_id, ...job.destinations.flatMap((one) => [one.name, one.type])];
    return text.join("\n").toLowerCase().includes(state.words.toLowerCase());
  }

  function update(jobs) {
    const seen = new Set(jobs.map((job) => job.job_id));
    for (const id of rows.keys()) if (!seen.has(id)) rows.delete(id);
    hold(list, jobs.map((job) => {
      if (!rows.has(job.job_id)) rows.set(job.job_id, row());
      const one = rows.get(job.job_id);
      one.update(job);
      return one.element;
    }));
    show(list, jobs.length > 0);
    show(empty, jobs.length === 0);
    if (!jobs.length) empty.replaceChildren(...nothing());
    show(newer, state.paths.length > 0 && !state.words);
    show(older, state.next !== null);
    say(older, state.words ? "Search older jobs" : "Older");
  }

  function nothing() {
    if (state.words || state.status) return [h("h2", {}, "No job matches"), h("p", {}, "Change the search or the status.")];
    return [
      h("h2", {}, "No backfills yet"),
      h("p", {}, "A backfill replays a slice of a table to your destinations."),
      h("a", { href: "/console/new", class: "button primary" }, "New backfill"),
    ];
  }

  const element = h(
    "div",
    { class: "page" },
    h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, "Jobs")),
    h(
      "form",
      { class: "filters", role: "search", onsubmit: (event) => (event.preventDefault(), typed()) },
      h("div", { class: "grow" }, h("label", { for: "search" }, "Search"), search),
      h("div", {}, h("label", { for: "status" }, "Status"), statuses),
    ),
    trouble.element,
    list,
    empty,
    h("div", { class: "pages" }, count, h("div", { class: "buttons" }, newer, older)),
  );
  show(newer, false);
  show(older, false);
  const asking = poll(refresh, { trouble: trouble.tell, well: trouble.clear });
  const stop = () => (clearTimeout(typing), trouble.stop(), asking.stop());
  return { title: "Jobs", element, stop };
}

function row() {
  const bar = meter("Delivered");
  const name = h("a", { class: "name" });
  const marks = h("div", { class: "marks" });
  const table = h("p", { class: "quiet table" });
  const text = h("p", { class: "quiet numbers" });
  const places = h("div", { class: "places" });
  const when = h("div", { class: "when" });
  const element = h("li", {}, marks, h("div", { class: "what" }, name, table), h("div", { class: "progress" }, bar.element, text), places, when);
  let known = "";
  let status = "";
  return {
    element,
    update(job) {
      const told = JSON.stringify([job.status, job.chunks_left, job.num_chunks, job.error_message]);
      if (!when.firstChild) {
        name.setAttribute("href", `/console/jobs/${job.job_id}`);
        name.replaceChildren(h("bdi", {}, job.job_name));
        say(table, job.table);
        places.append(...job.destinations.slice(0, 3).map(destination));
        if (job.destinations.length > 3) places.append(h("span", { class: "quiet" }, `and ${job.destinations.length - 3} more`));
        when.append(time(job.time_created));
      }
      if (told === known) return;
      known = told;
      if (status && status !== job.status) announce(`${job.job_name} is ${job.status}`);
      status = job.status;
      marks.replaceChildren(badge(job.status));
      const done = job.num_chunks === null ? 0 : job.num_chunks - (job.chunks_left ?? 0);
      bar.update(done, job.num_chunks, job.status);
      say(text, progress(job, done));
    },
  };
}

function progress(job, done) {
  if (job.num_chunks === null) return job.status === "staging" ? "Snowflake is unloading the slice" : "Nothing was staged";
  if (job.num_chunks === 0) return "The slice has no rows";
  return `${percent(done, job.num_chunks)}, ${whole(done)} of ${whole(job.num_chunks)} chunks`;
}
