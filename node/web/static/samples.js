// The plot's samples as a table, for those who would rather read than look; made when it is opened.

import { h } from "./dom.js";
import { bandName, group, percent, price, when } from "./format.js";

const ROWS = 500;

export class Samples {
  #view = null;

  constructor() {
    this.place = h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Samples, newest first" });
    this.element = h("details", { class: "samples" }, h("summary", {}, "The same as a table"), this.place);
    this.element.addEventListener("toggle", () => this.#draw());
  }

  update(view) {
    this.#view = view;
    this.#draw();
  }

  #draw() {
    if (!this.element.open || !this.#view) return;
    const view = this.#view;
    const painted = new Map(view.history.map((repaint) => [repaint.checkpoint, repaint]));
    const rows = view.feed.prices.slice(-ROWS).reverse();
    const all = view.feed.prices.length;
    this.place.replaceChildren(
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, all > ROWS ? `The newest ${ROWS} of ${group(all)} samples` : "All samples"),
        h("thead", {}, h("tr", {}, ...["When", "Checkpoint", "Share price", "Answer", "Repainted"].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, ...rows.map((sample) => this.#row(sample, painted.get(sample.checkpoint)))),
      ),
    );
  }

  #row(sample, repaint) {
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, when(sample)),
      h("td", {}, group(sample.checkpoint)),
      h("td", {}, price(sample.price, 6)),
      h("td", {}, sample.answer === null ? "not yet" : percent(sample.answer)),
      h("td", {}, repaint ? `in ${bandName(this.#view, repaint.band)}` : ""),
    );
  }
}
