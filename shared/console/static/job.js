// One job: its progress, its problems and the allowed actions.

import { BACKFILLS, call } from "./api.js";
import { actions } from "./actions.js";
import { Chunks } from "./chunks.js";
import { announce, h, hold, say, show } from "./dom.js";
import { duration, percent, time, whole } from "./format.js";
import { grid } from "./grid.js";
import { badge, copyable, meter, troubles } from "./parts.js";
import { places } from "./places.js";
import { poll } from "./poll.js";
import { receipt } from "./receipt.js";
import { slice } from "./slice.js";
import { advice } from "./advice.js";

const PACE_SECONDS = 3;
const ENDED_SECONDS = 30;
// Every chunk's state costs one store read per destination, so read them rarely.
const CHUNKS_MS = 10_000;

export function jobPage(id) {
  const path = `${BACKFILLS}/${id}`;
  const title = h("h1", { tabindex: "-1" }, "Backfill");
  const mark = h("span");
  const named = h("p", { class: "quiet id" }, h("code", {}, id), copyable(() => id, "the job's id"));
  const missing = h("div", { class: "card empty", hidden: true }, h("h2", {}, "No such job"), h("p", {}, "Your organization has no job with this id."), h("a", { href: "/console/" }, "All jobs"));
  const body = h("div", { class: "stack", hidden: true });
  const trouble = troubles(() => asking.now());
  const whatIsWrong = advice();
  const total = overall();
  const perPlace = places();
  const names = new Map();
  const cells = grid(names);
  const account = receipt();
  const asWanted = slice();
  const chunks = new Chunks(id);
  let asked = { at: 0, told: "" };
  let status = "";

  async function refresh(signal) {
    let job;
    try {
      job = (await call("GET", path, { signal })).data;
    } catch (error) {
      if (error.status !== 404) throw error;
      show(missing, true);
      show(body, false);
      return null;
    }
    update(job);
    await lookCloser(job, signal);
    return live(job) ? PACE_SECONDS : ENDED_SECONDS;
  }

  // Read the chunks and the receipt if they may have changed.
  async function lookCloser(job, signal) {
    const told = JSON.stringify([job.status, job.num_chunks, job.destinations.map((one) => one.state)]);
    const early = live(job) && Date.now() - asked.at < CHUNKS_MS;
    if (job.num_chunks === null || told === asked.told || early) return;
    await chunks.refresh(job, signal);
    const found = await call("GET", `${path}/receipt`, { signal });
    asked = { at: Date.now(), told };
    show(cells.element, job.num_chunks > 0);
    show(account.element, true);
    cells.update(chunks);
    perPlace.curves(job, chunks);
    account.update(job, found.data);
  }

  function update(job) {
    for (const one of job.destinations) names.set(one.uid, one.name);
    document.title = `${job.job_name} – Backfills`;
    title.replaceChildren(...(title.textContent === job.job_name ? title.childNodes : [h("bdi", {}, job.job_name)]));
    const word = job.paused ? "paused" : job.status;
    if (status !== word) {
      mark.replaceChildren(badge(job.status, job.paused));
      if (status) announce(`The job is ${word}`);
      status = word;
    }
    whatIsWrong.update(job);
    doing.update(job);
    total.update(job);
    perPlace.update(job);
    asWanted.update(job);
    show(body, true);
    show(missing, false);
  }

  const doing = actions(path, (job) => {
    update(job);
    asked = { at: 0, told: "" };
    asking.now();
  });
  body.append(total.element, perPlace.element, cells.element, account.element, asWanted.element);
  show(cells.element, false);
  show(account.element, false);
  const element = h(
    "div",
    { class: "page" },
    h("nav", { class: "crumbs", "aria-label": "Breadcrumb" }, h("a", { href: "/console/" }, "Jobs")),
    h("div", { class: "heading" }, h("div", {}, h("div", { class: "title" }, title, mark), named), doing.element),
    trouble.element,
    doing.message,
    whatIsWrong.element,
    missing,
    body,
  );
  const asking = poll(refresh, { trouble: trouble.tell, well: trouble.clear });
  const stop = () => (trouble.stop(), cells.stop(), asking.stop());
  return { title: "Backfill", element, stop };
}

export const live = (job) => job.status === "staging" || job.status === "transporting";

function overall() {
  const bar = meter("All destinations");
  const big = h("p", { class: "big" });
  const numbers = h("p", { class: "quiet" });
  const begun = h("dd");
  const took = h("dd");
  const ended = h("div", {}, h("dt", {}, "Ended"), h("dd"));
  const times = h("dl", { class: "facts across" }, h("div", {}, h("dt", {}, "Created"), begun), ended, h("div", {}, h("dt", {}, "Duration so far"), took));
  const element = h("section", { class: "card overall", "aria-label": "Progress" }, h("div", { class: "sum" }, big, numbers), bar.element, times);
  let shown = "";
  return {
    element,
    update(job) {
      const { chunks_done: done, chunks_total: all, rows_done: rows, rows_total: allRows } = job.progress;
      const state = job.paused ? "paused" : job.status;
      bar.update(allRows ? rows : done, allRows || all, state);
      say(big, all === null ? "–" : allRows ? percent(rows, allRows) : "100 %");
      say(numbers, all === null ? unloading(job) : `${whole(rows)} of ${whole(allRows)} rows, ${whole(done)} of ${whole(all)} chunks at every destination`);
      const told = `${job.time_created} ${job.time_completed}`;
      if (told !== shown) {
        shown = told;
        begun.replaceChildren(time(job.time_created));
        hold(ended.lastChild, job.time_completed ? [time(job.time_completed)] : []);
        show(ended, job.time_completed !== null);
      }
      const end = job.time_completed ? Date.parse(job.time_completed) : Date.now();
      say(took.previousSibling, job.time_completed ? "Duration" : "Duration so far");
      say(took, duration((end - Date.parse(job.time_created)) / 1000));
    },
  };
}

function unloading(job) {
  return live(job) ? "Snowflake is unloading the slice; its size is shown afterwards" : "Nothing was staged";
}
