// Why a token looks as it does, in words: the node's own explanation where it tells one, else what the facts say.

import { h } from "./dom.js";
import { bandName, count, percent, shortPercent } from "./format.js";
import { read } from "./live.js";

const PATIENCE_MS = 5_000;

export class Why {
  #told = null; // {key, told} as the node explained the newest repaint
  #asking = false;
  #now = null; // the key of what is looked at; null for an earlier moment
  #without = null; // the key of what the node has not told in time

  /** `seen(key, words)` hears what the node says that there is to see on the newest picture. */
  constructor(seen = () => {}) {
    this.seen = seen;
    this.element = h("div", { class: "why" });
  }

  update(life, repaint, now) {
    const key = repaint ? repaint.tx : "";
    this.#now = now ? key : null;
    this.#plain = () => this.#draw({ lead: plain(life.edition, repaint, now), rest: [] });
    const awaited = now && life.explanation && this.#without !== key;
    if (now && this.#told?.key === key) this.#draw(this.#told.told);
    else if (!awaited) this.#plain();
    // Until the node's own words are here their place is kept, rather than others put there that go away again.
    this.element.classList.toggle("to-be-told", Boolean(awaited) && this.#told?.key !== key);
    if (now && life.explanation) this.#ask(life.explanation, key);
  }

  #plain = () => {};

  async #ask(path, key) {
    if (this.#asking) return;
    this.#asking = true;
    const late = setTimeout(() => this.#doWithout(key), PATIENCE_MS);
    try {
      const told = readOut(await read(path));
      // The node may know of a newer painting already than the page shows: its words are not about this one.
      if (!told.lead.length || told.of !== key) throw new Error("nothing is told of this picture");
      this.#told = { key, told };
      this.seen(key, told.seen);
      if (this.#now === key) {
        this.element.classList.remove("to-be-told");
        this.#draw(told);
      }
    } catch {
      // The facts on the page stand in for it; it is asked for again with the next news.
      this.#doWithout(key);
    } finally {
      clearTimeout(late);
      this.#asking = false;
      if (this.#now !== null && this.#now !== key) this.#ask(path, this.#now);
    }
  }

  #doWithout(key) {
    if (this.#told?.key === key) return;
    this.#without = key;
    if (this.#now !== key) return;
    this.element.classList.remove("to-be-told");
    this.#plain();
  }

  #draw({ lead, rest }) {
    const text = JSON.stringify([lead, rest]);
    if (this.element.dataset.text === text) return;
    this.element.dataset.text = text;
    const open = this.element.querySelector("details")?.open ?? false;
    this.element.replaceChildren(
      ...lead.map((paragraph) => h("p", {}, paragraph)),
      ...(rest.length ? [h("details", { open }, h("summary", {}, "The whole story"), ...rest.flatMap(section))] : []),
    );
  }
}

const section = ({ title, text }) => [h("h2", {}, title), h("p", {}, text)];

/** The node's explanation as {lead: paragraphs, rest: [{title, text}]}. */
function readOut(document) {
  const words = (value) => (typeof value === "string" ? value : "");
  const sections = (document.sections ?? []).map((one) => {
    const sentences = [one.sentences].flat().map(words);
    return { title: words(one.title), sentences, text: sentences.join(" ") };
  });
  const why = sections.find((one) => one.title === "Why it looks like this");
  const next = sections.find((one) => one.title === "What comes next");
  // Of what is painted, the first sentence of the reasons says with block and hour what the headline has said.
  const from = document.state === "painted" ? 1 : 0;
  const lead = [words(document.headline), why?.sentences.slice(from).join(" ") ?? "", next?.sentences.slice(0, 2).join(" ") ?? ""];
  return { lead: lead.filter(Boolean), rest: sections.filter((one) => one.text), seen: words(document.seen), of: words(document.painted_by?.transaction) };
}

function plain(view, repaint, now) {
  if (!repaint) return ["Its picture is chosen by a draw after the sale, and painted with the first report that follows."];
  const from = bandName(view, repaint.previous_band);
  const to = bandName(view, repaint.band);
  const first = repaint === view.history[0];
  const moved =
    repaint.band === repaint.previous_band
      ? first
        ? `This was its first painting, in ${to}.`
        : `It was painted anew in ${to}: the vault had not left the band, and its feed's heartbeat was due.`
      : `The vault ${repaint.band > repaint.previous_band ? "rose" : "fell"} from ${from} to ${to}, and the picture followed.`;
  const answer =
    repaint.answer === null
      ? ""
      : ` ${count(repaint.signers.length, "node")} signed that it stood at ${percent(repaint.answer)} against its basis.`;
  return [moved + answer, now ? border(view) : ""].filter(Boolean);
}

/** What it takes to change again: the nearest thresholds with their hysteresis. */
function border(view) {
  const { thresholds, hysteresis, answer } = view.feed;
  if (answer === null) return "";
  const reach = BigInt(hysteresis);
  const up = thresholds[view.band];
  const down = thresholds[view.band - 1];
  const ways = [];
  if (up !== undefined) ways.push(`${shortPercent(BigInt(up) + reach)} makes it ${bandName(view, view.band + 1)}`);
  if (down !== undefined) ways.push(`below ${shortPercent(BigInt(down) - reach)} it turns ${bandName(view, view.band - 1)}`);
  return ways.length ? `The vault stands at ${percent(answer)} now; ${ways.join(", ")}.` : "";
}
