// Why a token looks as it does, in words: the node's own explanation where it tells one, else what the facts say.

import { h } from "./dom.js";
import { bandName, count, percent, shortPercent } from "./format.js";
import { read } from "./live.js";

export class Why {
  #told = null; // {key, paragraphs} as the node explained the newest repaint
  #asked = "";

  constructor() {
    this.element = h("div", { class: "why" });
  }

  update(life, repaint, now) {
    const view = life.edition;
    const key = repaint ? `${repaint.checkpoint} ${repaint.tx}` : "";
    if (now && repaint && life.explanation && this.#asked !== key) this.#ask(life, key, repaint);
    const told = now && this.#told?.key === key ? this.#told.paragraphs : null;
    this.#draw(told ?? plain(view, repaint, now));
  }

  async #ask(life, key) {
    this.#asked = key;
    try {
      const paragraphs = paragraphsOf(await read(life.explanation));
      if (this.#asked !== key || paragraphs.length === 0) return;
      this.#told = { key, paragraphs };
      this.#draw(paragraphs);
    } catch {
      this.#asked = ""; // asked again with the next news
    }
  }

  #draw(paragraphs) {
    const text = paragraphs.join("\n");
    if (this.element.dataset.text === text) return;
    this.element.dataset.text = text;
    this.element.replaceChildren(...paragraphs.map((paragraph) => h("p", {}, paragraph)));
  }
}

function paragraphsOf(document) {
  const found = document.paragraphs ?? document.sentences ?? document.text ?? [];
  return [found].flat().filter((paragraph) => typeof paragraph === "string" && paragraph);
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
      : `The vault ${repaint.band > repaint.previous_band ? "rose" : "fell"} from ${from} to ${to}, and so did the picture.`;
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
