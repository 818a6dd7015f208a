// The log as it is written: filtered by level and text, kept at its end unless somebody reads further up.

import { h, setText } from "./dom.js";
import { count } from "./format.js";

const LEVELS = ["debug", "info", "warning", "error", "critical"];
const TONES = { warning: "warn", error: "bad", critical: "bad", info: "good" };
const KEPT = 1_000;
const OWN = new Set(["timestamp", "level", "event", "logger"]);

/** A list of lines in what scrolls; `add(lines)` appends, `clear()` begins anew. */
export class Log {
  #items = [];

  constructor(scroller, list, level, text, told) {
    [this.scroller, this.list, this.level, this.text, this.told] = [scroller, list, level, text, told];
    level.addEventListener("change", () => this.#filter());
    text.addEventListener("input", () => this.#filter());
  }

  add(lines) {
    const atEnd = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 40;
    const items = lines.map((line) => ({ line, element: row(line), words: words(line) }));
    for (const item of items) item.element.hidden = !this.#wanted(item);
    this.list.append(...items.map((item) => item.element));
    this.#items.push(...items);
    for (const gone of this.#items.splice(0, Math.max(0, this.#items.length - KEPT))) gone.element.remove();
    if (atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#count();
  }

  clear() {
    this.#items = [];
    this.list.replaceChildren();
  }

  #wanted({ line, words: all }) {
    const place = LEVELS.indexOf(line.level);
    return (place < 0 || place >= LEVELS.indexOf(this.level.value)) && all.includes(this.text.value.trim().toLowerCase());
  }

  #filter() {
    for (const item of this.#items) item.element.hidden = !this.#wanted(item);
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#count();
  }

  #count() {
    const shown = this.#items.filter((item) => !item.element.hidden).length;
    setText(this.told, shown === this.#items.length ? count(shown, "line") : `${count(shown, "line")} of ${this.#items.length}`);
  }
}

const fields = (line) => Object.entries(line).filter(([name]) => !OWN.has(name));
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const words = (line) => [line.level, line.logger, line.event, ...fields(line).map(([name, value]) => `${name}=${text(value)}`)].join(" ").toLowerCase();

function row(line) {
  const time = String(line.timestamp ?? "");
  const said = fields(line).flatMap(([name, value]) => [" ", h("span", { class: "field-name" }, `${name}=`), text(value)]);
  return h(
    "li",
    { "data-tone": TONES[line.level] ?? "plain" },
    h("time", { title: time }, time.slice(11, 19)),
    h("span", { class: "level" }, String(line.level ?? "")),
    h("span", { class: "said" }, text(line.event ?? ""), line.logger ? h("span", { class: "soft" }, ` ${line.logger}`) : null, ...said),
  );
}
