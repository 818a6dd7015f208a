// Follows the node's revision: one refresh at a time, and again at once when something moved meanwhile.

/** Calls `refresh()` for each new revision, and `state(code, text)` as the connection comes and goes. */
export function follow({ refresh, state }) {
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
  stream.addEventListener("revision", (event) => {
    wanted = Number(event.data);
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
      setTimeout(() => follow({ refresh, state }), 10_000);
    }
  });
}
