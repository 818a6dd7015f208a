// The bar above the walls: which editions are shown, by mood, state and name; the address keeps the choice.

import { h, setText } from "./dom.js";
import { bandColour, count } from "./format.js";

const STATES = { selling: "On sale", closed: "Sold, to be revealed", revealed: "Revealed" };

const moodOf = (entry) => entry.mood || `Band ${entry.band + 1} of ${entry.bands}`;
const nameOf = (entry) => `${entry.collection.toLowerCase()}-${entry.edition}`;

export class Filters {
  #drawn = "";

  /** `changed()` is called whenever a visitor chooses. */
  constructor(element, changed) {
    this.element = element;
    this.changed = changed;
    const asked = new URLSearchParams(location.search);
    this.mood = asked.get("mood") ?? "";
    this.state = asked.get("state") ?? "";
    this.edition = asked.get("edition") ?? "";
    this.moods = h("div", { class: "chips", role: "group", "aria-label": "Mood" });
    this.states = this.#choice("State", "state");
    this.editions = this.#choice("Edition", "edition");
    this.told = h("p", { class: "told", role: "status" });
    this.copy = null;
    element.replaceChildren(this.moods, this.states.label, this.editions.label, this.told);
  }

  passes(entry) {
    return (
      (!this.mood || moodOf(entry) === this.mood) &&
      (!this.state || entry.state === this.state) &&
      (!this.edition || nameOf(entry) === this.edition)
    );
  }

  /** Offer what there is. A choice that nothing answers to any more stays until the visitor changes it. */
  update(entries) {
    this.element.hidden = entries.length < 2 && !this.mood && !this.state && !this.edition;
    const moods = new Map();
    for (const entry of entries) {
      const held = moods.get(moodOf(entry));
      const place = entry.bands > 1 ? entry.band / (entry.bands - 1) : 0.5;
      moods.set(moodOf(entry), { number: (held?.number ?? 0) + 1, place, colour: bandColour(entry.band, entry.bands) });
    }
    if (this.mood && !moods.has(this.mood)) moods.set(this.mood, { number: 0, place: 2, colour: "var(--ink-soft)" });
    const inOrder = [...moods].sort(([, a], [, b]) => a.place - b.place);
    const key = JSON.stringify([inOrder, this.mood, entries.map((entry) => [entry.name, entry.edition, entry.state])]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#drawMoods(inOrder, entries.length);
    const states = new Set([...entries.map((entry) => entry.state), this.state].filter(Boolean));
    this.#drawChoice(this.states, this.state, [...states].map((state) => [state, STATES[state] ?? state]), "Any state");
    const named = entries.map((entry) => [nameOf(entry), entry.name]);
    this.#drawChoice(this.editions, this.edition, named, "All editions");
  }

  tell(shown) {
    const works = shown.reduce((sum, entry) => sum + entry.tokens, 0);
    setText(this.told, `${count(shown.length, "edition")}, ${count(works, "work")}`);
  }

  #drawMoods(moods, all) {
    const focused = this.moods.contains(document.activeElement) ? document.activeElement.dataset.mood : null;
    const chip = (mood, text, number, colour) =>
      h(
        "button",
        {
          class: "chip",
          type: "button",
          "data-mood": mood,
          "aria-pressed": String(this.mood === mood),
          style: colour ? { "--band": colour } : {},
          on: { click: () => this.#choose("mood", mood) },
        },
        text.charAt(0).toUpperCase() + text.slice(1),
        h("span", { class: "chip-number", "aria-label": count(number, "edition") }, String(number)),
      );
    this.moods.replaceChildren(
      chip("", "All moods", all, ""),
      ...moods.map(([mood, { number, colour }]) => chip(mood, mood, number, colour)),
    );
    if (focused !== null) [...this.moods.children].find((one) => one.dataset.mood === focused)?.focus();
  }

  #choice(text, what) {
    const select = h("select", { class: "field", on: { change: () => this.#choose(what, select.value) } });
    return { select, label: h("label", { class: "choice" }, h("span", {}, text), select) };
  }

  #drawChoice({ select, label }, chosen, options, all) {
    select.replaceChildren(
      h("option", { value: "" }, all),
      ...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
    );
    label.hidden = options.length < 2 && !chosen;
  }

  #choose(what, value) {
    this[what] = value;
    const asked = new URLSearchParams();
    for (const name of ["mood", "state", "edition"]) if (this[name]) asked.set(name, this[name]);
    const query = asked.toString();
    history.replaceState(null, "", location.pathname + (query ? `?${query}` : ""));
    this.#drawn = "";
    this.changed();
  }
}
