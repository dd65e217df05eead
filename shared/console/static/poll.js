// Polls at a fixed pace while the page is visible, rarely while it is hidden, and less often after errors.

const HIDDEN_SECONDS = 60;
const MOST_SECONDS = 60;

// `task(signal)` returns the seconds until its next run, null for never; its exceptions go to
// `trouble(error, seconds)`, and a success after that calls `well()`. Returns `{ now(), stop() }`.
export function poll(task, { trouble, well }) {
  let timer = null;
  let running = null;
  let failures = 0;
  let due = 0;
  let stopped = false;

  function wait(seconds) {
    due = Date.now() + seconds * 1000;
    clearTimeout(timer);
    const patience = document.hidden ? Math.max(seconds, HIDDEN_SECONDS) : seconds;
    timer = setTimeout(run, patience * 1000);
  }

  async function run() {
    clearTimeout(timer);
    running?.abort();
    const mine = new AbortController();
    running = mine;
    let seconds;
    try {
      seconds = await task(mine.signal);
      if (stopped || running !== mine) return;
      if (failures) well();
      failures = 0;
    } catch (error) {
      if (stopped || running !== mine || error.status === 401) return;
      failures += 1;
      // A random second, so that many tabs do not poll at once.
      seconds = Math.min(MOST_SECONDS, 2 ** failures + Math.random());
      seconds = error.passes === false ? MOST_SECONDS : Math.max(seconds, error.after ?? 0);
      trouble(error, seconds);
    }
    running = null;
    if (seconds !== null) wait(seconds);
  }

  function seen() {
    if (document.hidden || running || timer === null) return;
    if (Date.now() >= due) run();
    else wait((due - Date.now()) / 1000);
  }

  document.addEventListener("visibilitychange", seen);
  run();
  return {
    now: run,
    stop() {
      stopped = true;
      clearTimeout(timer);
      running?.abort();
      document.removeEventListener("visibilitychange", seen);
    },
  };
}
