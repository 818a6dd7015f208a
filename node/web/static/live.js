// Reads the node's interface and follows its revision: one refresh at a time, and again when something moved meanwhile.

import { setText } from "./dom.js";

/** What the interface says at a path, as JSON; an Error with the `status` where it refuses. */
export async function read(path) {
  const response = await fetch(path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw Object.assign(new Error(`${path}: ${response.status}`), { status: response.status });
  return response.json();
}

/** The state of the connection, in the masthead: "live", "lost", "waiting", or "still" for pages that follow nothing. */
export function showPulse(state, text = "") {
  const pulse = document.getElementById("pulse");
  pulse.dataset.state = state;
  setText(document.getElementById("pulse-text"), text);
}

/** Calls `refresh()` for each new revision of what `event` names, `state(code, text)` as the connection comes and goes. */
export function follow({ refresh, state, event = "revision" }) {
  let wanted = -1;
  let shown = -1;
  let busy = false;

  async function run() {
    if (busy) return;
    busy = true;
    try {
      while (shown !== wanted) {
        const revision = wanted;
        await refresh();
        shown = revision;
      }
      state("live", "Live");
    } catch {
      // The next event, or the next connection, tries again.
      shown = -1;
      state("lost", "Reconnecting");
      setTimeout(run, 3000);
    } finally {
      busy = false;
    }
  }

  const stream = new EventSource("/api/events");
  stream.addEventListener(event, ({ data }) => {
    wanted = Number(data);
    // A restarted node counts from the beginning, and the walls may have changed: look again.
    run();
  });
  stream.addEventListener("open", () => {
    shown = -1;
  });
  stream.addEventListener("error", () => {
    state("lost", "Reconnecting");
    if (stream.readyState === EventSource.CLOSED) {
      // Refused for good (too many listeners, or a proxy): start over with a new connection.
      setTimeout(() => follow({ refresh, state, event }), 10_000);
    }
  });
}
