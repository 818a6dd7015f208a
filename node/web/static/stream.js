// Reads the operator's stream with the token as a header, which the browser's own EventSource cannot send.

const KEY = "patina operator token";

/** The token of this tab, or null. It is in no cookie and no address, so nothing sends it by itself. */
export const heldToken = () => sessionStorage.getItem(KEY);
export const holdToken = (token) => sessionStorage.setItem(KEY, token);
export const forgetToken = () => sessionStorage.removeItem(KEY);

/** The node's answer at one of its own paths; the token goes along where there is one. */
export function ask(path, options = {}) {
  const token = heldToken();
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  return fetch(path, { ...options, headers, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer" });
}

/**
 * Follow the operator's events until `signal` aborts. `on(name, value)` is called for each, `state(code)` as the
 * connection comes and goes: live, lost, or a status when the node refuses, after which it is over.
 */
export async function listen({ on, state, signal }) {
  while (!signal.aborted) {
    try {
      const response = await ask("/api/operator/events", { signal });
      if ([401, 403, 429].includes(response.status)) return state(response.status);
      if (!response.ok) throw new Error(`status ${response.status}`);
      state("live");
      await events(response.body, on);
    } catch (error) {
      if (signal.aborted) return undefined;
    }
    state("lost");
    await pause(2_000, signal);
  }
  return undefined;
}

const pause = (milliseconds, signal) =>
  new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });

async function events(body, on) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) dispatch(block, on);
  }
}

function dispatch(block, on) {
  const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]));
  if (fields.has("event")) on(fields.get("event"), JSON.parse(fields.get("data")));
}
