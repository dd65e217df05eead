// What is wrong with a job, and what to do about it.

import { h, say, show } from "./dom.js";

export function advice() {
  const title = h("h2");
  const reason = h("p", { class: "reason" });
  const todo = h("p");
  const element = h("section", { class: "notice", "aria-label": "State", hidden: true }, title, reason, todo);
  return {
    element,
    update(job) {
      const found = of(job);
      show(element, found !== null);
      if (!found) return;
      element.className = `notice ${found.kind}`;
      say(title, found.title);
      say(reason, found.reason ?? "");
      show(reason, Boolean(found.reason));
      say(todo, found.todo);
    },
  };
}

function of(job) {
  if (job.status === "failed") {
    return {
      kind: "error",
      title: "The job failed",
      reason: job.error_message,
      todo: "Mend what it names, then retry: only what is not yet delivered is sent. If the slice itself is wrong, start again with other values.",
    };
  }
  const kept = job.destinations.filter((one) => one.state.last_error && one.state.status !== "done");
  if (job.paused) {
    return {
      kind: "info",
      title: "The job is paused",
      todo: "Nothing is delivered until it is resumed. What it has staged is not kept for ever: resume it within days, not weeks.",
    };
  }
  if (job.status === "completed" && job.warnings?.length) {
    return { kind: "warning", title: "Look at this", reason: job.warnings.join(". "), todo: "If the slice is not what you meant, start again with other values." };
  }
  if (job.status === "cancelled") {
    return { kind: "info", title: "The job was cancelled", todo: "Rows that have arrived stay where they are. Start again to deliver the whole slice." };
  }
  if (kept.length && job.status === "transporting") {
    const names = kept.map((one) => one.name).join(", ");
    return {
      kind: "warning",
      title: kept.length === 1 ? `${names} is in trouble` : `${kept.length} destinations are in trouble`,
      todo: "The last error stands below. The service goes on trying, and nothing is lost. Mend the receiver; pause the job if that takes long.",
    };
  }
  return null;
}
