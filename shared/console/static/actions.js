// Buttons for the actions that a job allows now: pause, resume, cancel, retry, start again.

import { call } from "./api.js";
import { announce, h, hold, say, show } from "./dom.js";
import { ask } from "./parts.js";

const DONE = { pause: "The job is paused", resume: "The job is resumed", cancel: "The job is cancelled", retry: "The job is retried" };

// Calls `changed(job)` with the service's answer.
export function actions(path, changed) {
  const message = h("div", { class: "notice error", role: "alert", hidden: true });
  const buttons = {
    retry: button("Retry", "primary", () => act("retry")),
    resume: button("Resume", "primary", () => act("resume")),
    pause: button("Pause", "", () => act("pause")),
    cancel: button("Cancel job…", "danger", cancel),
  };
  const again = h("a", { class: "button" }, "Start again…");
  const element = h("div", { class: "buttons", role: "group", "aria-label": "Actions" });
  let busy = false;

  function button(text, kind, onclick) {
    return h("button", { type: "button", class: kind, onclick }, text);
  }

  async function cancel() {
    const text = "Deliveries stop. Delivered rows stay. The service removes the staged files, and the topics that this job created. You cannot resume the job.";
    if (await ask("Cancel this job?", text, "Cancel the job", "Keep it")) await act("cancel");
  }

  async function act(name) {
    if (busy) return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    show(message, false);
    try {
      const { data } = await call("POST", `${path}/${name}`);
      changed(data);
      announce(DONE[name]);
    } catch (error) {
      const wait = error.after ? ` Try again in ${error.after} seconds.` : "";
      say(message, `${error.message}${wait}`);
      show(message, true);
    } finally {
      busy = false;
      element.removeAttribute("aria-busy");
    }
  }

  return {
    element,
    message,
    update(job) {
      const live = job.status === "staging" || job.status === "transporting";
      again.setAttribute("href", `/console/new?from=${job.job_id}`);
      const focused = element.contains(document.activeElement);
      hold(element, [
        job.status === "failed" && buttons.retry,
        live && job.paused && buttons.resume,
        live && !job.paused && buttons.pause,
        live && buttons.cancel,
        again,
      ]);
      // The pressed button is gone: keep the keyboard focus here.
      if (focused && !element.contains(document.activeElement)) element.firstChild.focus();
    },
  };
}
