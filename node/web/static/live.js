// Reads the node's interface and follows its revision: one refresh at a time, and again when something moved meanwhile.

import { setText } from "./dom.js";

/** What the interface says at a path, as JSON; an Error with the `status` where it refuses. */
export async function read(path) {
  const response = await fetch(path);
  if (!response.ok) throw Object.assign(new Error(`${path}: ${response.status}`), { status: response.status });
  return response.json();
}

/** The state of the connection, in the masthead: "live", "ill", "lost", "waiting", or "still" for pages that follow nothing. */
export function showPulse(state, text = "") {
  const pulse = document.getElementById("pulse");
  pulse.dataset.state = state;
  setText(document.getElementById("pulse-text"), text);
}

const LONG_MS = 8_000;
const ILL = "This node says that it cannot do all of its work just now. What you see may be older than what the chain has.";
let late = null; // runs while the connection is gone

/** A line at the foot of the page for what a visitor should know of what is shown; empty: nothing. */
function notice(text) {
  const line = document.getElementById("notice");
  line.hidden = !text;
  setText(line, text);
}

/**
 * Calls `refresh()` at once and for each new revision of what `event` names, `state(code, text)` as the connection
 * comes and goes. What is shown does not wait for the stream, nor does it need one: refused, it is looked at anew.
 */
export function follow({ refresh, state, event = "revision" }) {
  let wanted = 0;
  let shown = -1;
  let busy = false;
  let well = true; // what the node says of itself
  let seen = false;

  function lost() {
    const since = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    late ??= setTimeout(() => seen && notice(`This node has not answered since ${since}. What you see is from then.`), LONG_MS);
    state("lost", "Reconnecting");
  }

  function live() {
    clearTimeout(late);
    late = null;
    notice(well ? "" : ILL);
    state(...(well ? ["live", "Live"] : ["ill", "In trouble"]));
  }

  async function run() {
    if (busy) return;
    busy = true;
    try {
      while (shown !== wanted) {
        const revision = wanted;
        await refresh();
        shown = revision;
        seen = true;
      }
      if (stream.readyState === EventSource.OPEN) live();
    } catch {
      // The next event, or the next connection, tries again.
      shown = -1;
      lost();
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
  stream.addEventListener("ready", ({ data }) => {
    well = data === "1";
    if (shown === wanted) live();
  });
  stream.addEventListener("open", () => {
    shown = -1;
    well = true; // until it says otherwise
  });
  stream.addEventListener("error", () => {
    lost();
    if (stream.readyState === EventSource.CLOSED) {
      // Refused for good (too many listeners, or a proxy): start over with a new connection.
      setTimeout(() => follow({ refresh, state, event }), 10_000);
    }
  });
  run();
}
