// The state of every chunk, from the receipt's lines. Only pages that may still change are read again.

import { BACKFILLS, call } from "./api.js";

const PAGE = 1000;
export const WAITING = 0;
export const UNDER_WAY = 1;
export const DONE = 2;
export const FAILED = 3;
export const STATES = ["waiting", "under way", "done", "failed"];

export class Chunks {
  lines = [];
  states = new Uint8Array(0);
  #finished = new Set();

  constructor(jobId) {
    this.path = `${BACKFILLS}/${jobId}/receipt/chunks`;
  }

  // Chunks begin in order of their numbers, so the first page without a begun chunk ends the search.
  async refresh(job, signal) {
    const total = job.num_chunks ?? 0;
    if (this.states.length !== total) {
      this.states = new Uint8Array(total);
      this.lines = [];
      this.#finished.clear();
    }
    for (let start = 0; start < total; start += PAGE) {
      if (this.#finished.has(start)) continue;
      const { data } = await call("GET", `${this.path}?limit=${PAGE}&cursor=${String(start).padStart(8, "0")}`, { signal, lines: true });
      let [left, begun] = [0, 0];
      for (const line of data) {
        this.lines[line.chunk] = line;
        const state = stateOf(line, job);
        this.states[line.chunk] = state;
        if (state !== DONE) left += 1;
        if (state !== WAITING) begun += 1;
      }
      if (!left) this.#finished.add(start);
      if (!begun) break;
    }
  }

  counts() {
    const found = [0, 0, 0, 0];
    for (const state of this.states) found[state] += 1;
    return found;
  }

  // `[moment in ms, rows]` of each chunk that the destination has, unordered.
  arrivals(uid) {
    const found = [];
    for (const line of this.lines) {
      const delivery = line?.deliveries.find((one) => one.uid === uid && one.time_done !== null);
      if (delivery) found.push([Date.parse(delivery.time_done), delivery.rows]);
    }
    return found;
  }
}

function stateOf(line, job) {
  const done = line.deliveries.filter((one) => one.time_done !== null).length;
  if (done === job.destinations.length) return DONE;
  if (!line.deliveries.length) return WAITING;
  // A cancelled job has no chunk under way.
  return { failed: FAILED, cancelled: WAITING }[job.status] ?? UNDER_WAY;
}
