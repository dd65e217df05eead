// A job's problems, and how to fix them.

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
      todo: "Fix the cause, then retry: only undelivered rows are sent. If the slice itself is wrong, start again with other values.",
    };
  }
  const kept = job.destinations.filter((one) => one.state.last_error && one.state.status !== "done");
  if (job.paused) {
    return {
      kind: "info",
      title: "The job is paused",
      todo: "Nothing is delivered until you resume it. Staged files expire: resume the job within days, not weeks.",
    };
  }
  if (job.status === "completed" && job.warnings?.length) {
    return { kind: "warning", title: "Please check", reason: job.warnings.join(". "), todo: "If the slice is not the one you wanted, start again with other values." };
  }
  if (job.status === "cancelled") {
    return { kind: "info", title: "The job was cancelled", todo: "Delivered rows stay at their destinations. Start again to deliver the whole slice." };
  }
  if (kept.length && job.status === "transporting") {
    const names = kept.map((one) => one.name).join(", ");
    return {
      kind: "warning",
      title: kept.length === 1 ? `${names} has a problem` : `${kept.length} destinations have problems`,
      todo: "See the last error below. The service keeps retrying, and nothing is lost. Fix the receiver; pause the job if that takes long.",
    };
  }
  return null;
}
