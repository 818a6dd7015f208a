// The picture of a token, alone or two moments of it with a line between them that a visitor moves.

import { contentPath, h, setText } from "./dom.js";
import { bandName, bandScene, when } from "./format.js";
import { Picture } from "./picture.js";

export class Compare {
  #on = false;
  #view = null;
  #sides = [0, 0]; // repaints on the left and on the right
  #index = 0;

  constructor() {
    this.picture = new Picture(false);
    this.under = h("img", { class: "under", alt: "", hidden: true, draggable: "false" });
    this.line = h("span", { class: "line", hidden: true, "aria-hidden": "true" });
    this.labels = [h("span", { class: "side", hidden: true }), h("span", { class: "side", hidden: true })];
    this.cut = h("input", { class: "cut", type: "range", min: "0", max: "100", value: "50", hidden: true, on: { input: () => this.#draw() } });
    this.canvas = h("div", { class: "hung" }, h("div", { class: "layers" }, this.picture.element, this.under, this.line, ...this.labels, this.cut));
    this.stage = this.canvas;
    this.toggle = h("button", { class: "button", type: "button", "aria-pressed": "false", on: { click: () => this.#turn() } }, "Compare two moments");
    this.selects = [0, 1].map((side) => h("select", { class: "field", on: { change: (event) => this.#choose(side, event.target.value) } }));
    this.choices = h(
      "div",
      { class: "choices", hidden: true },
      h("label", {}, h("span", {}, "Left"), this.selects[0]),
      h("label", {}, h("span", {}, "Right"), this.selects[1]),
    );
    this.controls = h("div", { class: "compare" }, this.toggle, this.choices);
  }

  /** Show the token as the repaint at `index` left it; -1 before the first. */
  update(view, token, index) {
    const grown = this.#view && view.history.length > this.#view.history.length;
    this.#view = view;
    const last = view.history.length - 1;
    if (index !== this.#index || grown) {
      this.#index = index;
      if (!this.#on) this.#sides = index === last ? [Math.max(0, last - 1), last] : [index, last];
      else if (index !== last) this.#sides[0] = index;
    }
    this.controls.hidden = view.history.length < 2;
    const repaint = view.history[this.#on ? this.#sides[1] : index];
    const now = !repaint || repaint === view.history[last];
    const told = repaint && now && this.#seen?.repaint === repaint.tx;
    const words = told ? `${bandName(view, repaint.band)}: ${this.#seen.words}` : repaint && bandScene(view, repaint.band);
    this.#alt = repaint ? `${token.name}, ${words}` : `${token.name}, not painted yet`;
    this.picture.show(now ? token.image : repaint.images[0], this.#alt);
    if (this.#on) this.#offer();
    this.#draw();
  }

  #alt = "";
  #seen = null; // {repaint, words}: what the node says of the newest picture

  /** What there is to see on the picture that a repaint's transaction brought: for who does not see it. */
  describe(repaint, words) {
    if (!words || this.#seen?.words === words) return;
    this.#seen = { repaint, words };
    if (this.#view) this.update(this.#view, this.#view.tokens[0], this.#index);
  }

  #turn() {
    this.#on = !this.#on;
    this.toggle.setAttribute("aria-pressed", String(this.#on));
    setText(this.toggle, this.#on ? "One moment again" : "Compare two moments");
    this.cut.value = "50";
    this.update(this.#view, this.#view.tokens[0], this.#index);
    if (!this.#on) return;
    this.cut.focus({ preventScroll: true });
    if (this.canvas.getBoundingClientRect().top < 0) this.canvas.scrollIntoView({ block: "center" });
  }

  #choose(side, value) {
    this.#sides[side] = Number(value);
    this.update(this.#view, this.#view.tokens[0], this.#index);
  }

  #offer() {
    const { history } = this.#view;
    this.selects.forEach((select, side) => {
      const options = history.map((repaint, index) => `${when(repaint)}, ${bandName(this.#view, repaint.band)}`);
      if (select.dataset.options !== options.join("\n")) {
        select.dataset.options = options.join("\n");
        select.replaceChildren(...options.map((text, index) => h("option", { value: index }, text)));
      }
      select.value = String(this.#sides[side]);
    });
  }

  #draw() {
    for (const part of [this.under, this.line, this.cut, this.choices, ...this.labels]) part.hidden = !this.#on;
    if (!this.#on) return;
    const [left, right] = this.#sides.map((index) => this.#view.history[index]);
    const source = contentPath(left.images[0]);
    if (this.under.getAttribute("src") !== source) this.under.src = source;
    this.under.alt = `As it was ${when(left)}, ${bandName(this.#view, left.band)}`;
    const cut = Number(this.cut.value);
    this.canvas.style.setProperty("--cut", `${cut}%`);
    setText(this.labels[0], when(left));
    setText(this.labels[1], when(right));
    this.labels[0].classList.toggle("faint", cut < 25);
    this.labels[1].classList.toggle("faint", cut > 75);
    this.cut.setAttribute("aria-label", `How much of ${when(left)} is shown over ${when(right)}`);
    this.cut.setAttribute("aria-valuetext", `${cut} % ${when(left)}, ${100 - cut} % ${when(right)}`);
  }
}
