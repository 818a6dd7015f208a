// The feed's share price, its bands as soft zones, and the artworks where it crossed a threshold.

import { h, s } from "./dom.js";
import { bandColour, bandName, count, dateOf, moment, percent, price, shortPercent, when } from "./format.js";
import { drawPins, pinned, pinSize } from "./pins.js";
import { measure, nearest, path, scales, strays, ticks } from "./scale.js";
import { Samples } from "./samples.js";

/** Whether the line is in a zone's right half where it passes it: a name inside goes to the other side. */
function lateIn(measured, scale, top, bottom) {
  const inside = measured.points.filter((point) => scale.y(point.agreed ?? point.price) >= top && scale.y(point.agreed ?? point.price) < bottom);
  const sum = inside.reduce((all, point) => all + scale.x(point.x), 0);
  return !inside.length || sum / inside.length > (scale.left + scale.right) / 2;
}

const DAYS = 2 * 86_400; // a history longer than this has days on its axis, a shorter one hours

/** A figure that draws itself at the width it is given; `way` says what a pinned picture leads to (see drawPins), `heading` of what level it is. */
export class Plot {
  #view = null;
  #width = 0;
  #drawn = null; // {measured, scale}

  constructor(way, heading = "h3") {
    this.way = way;
    this.heading = heading;
    this.drawing = s("svg", { class: "chart", role: "group" });
    this.tip = h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    this.caption = h("figcaption", {});
    // Arrow keys walk along the samples; what each says is read out as the value.
    this.walk = h("input", {
      class: "walk",
      type: "range",
      min: "0",
      step: "1",
      "aria-label": "Walk along the samples",
      on: { input: () => this.#walked(), focus: () => this.#walked(), blur: () => this.#unpoint() },
    });
    this.body = h("div", { class: "chart-body" }, this.drawing, this.tip, this.walk);
    this.samples = new Samples();
    this.element = h("figure", { class: "plot" }, this.caption, this.body, this.samples.element);
    this.body.addEventListener("pointermove", (event) => this.#point(event));
    this.body.addEventListener("pointerleave", () => this.#unpoint());
    new ResizeObserver(([entry]) => this.#resize(entry.contentRect.width)).observe(this.body);
  }

  update(view) {
    this.#view = view;
    this.element.hidden = view.feed.prices.length === 0;
    if (this.element.hidden) return;
    this.#caption();
    this.samples.update(view);
    this.#draw();
  }

  /** Mark one repaint's pin as the one that is looked at; null for none. */
  mark(index) {
    this.marked = index;
    for (const pin of this.drawing.querySelectorAll(".pin")) pin.classList.toggle("marked", Number(pin.dataset.index) === index);
  }

  #resize(width) {
    if (Math.abs(width - this.#width) < 1) return;
    this.#width = width;
    this.#draw();
  }

  #caption() {
    const { feed } = this.#view;
    const key = (kind, text) => h("span", { class: `key ${kind}` }, text);
    const median = feed.window > 1 ? `what the nodes agree on, the median of ${feed.window} samples` : "what the nodes agree on";
    this.caption.replaceChildren(
      h(this.heading, {}, "The vault behind it"),
      h(
        "p",
        { class: "keys" },
        key("key-price", "price of a share"),
        key("key-agreed", median),
        feed.thresholds.length ? key("key-zone", "a band for each mood") : null,
        feed.thresholds.length ? key("key-pin", "repainted where it crossed") : null,
        BigInt(feed.hysteresis) > 0n ? key("key-hysteresis", `not yet crossed: ${shortPercent(feed.hysteresis, false)} either side (hysteresis)`) : null,
      ),
    );
  }

  #draw() {
    const view = this.#view;
    if (!view || this.#width < 40) return;
    const focused = this.drawing.querySelector(".pin:focus")?.dataset.index;
    this.#unpoint();
    const narrow = this.#width < 560;
    const height = narrow ? 320 : 440;
    const margin = { left: narrow ? 46 : 58, right: narrow ? 10 : 116, top: 8, bottom: 30 };
    const pins = pinned(view, this.#width - margin.left - margin.right).length;
    const size = pinSize(this.#width - margin.left - margin.right, pins);
    if (pins) margin.top += size + 14;
    const measured = measure(view);
    const scale = scales(measured, this.#width, height, margin);
    const ceiling = pins ? 0 : scale.top;
    this.#drawn = { measured, scale, height };
    this.drawing.setAttribute("viewBox", `0 0 ${this.#width} ${height}`);
    this.drawing.setAttribute("height", height);
    this.drawing.setAttribute("aria-label", this.#summary());
    this.cursor = s("g", { class: "cursor", visibility: "hidden" });
    this.drawing.replaceChildren(
      this.#zones(measured, scale, ceiling, narrow),
      this.#hysteresis(measured, scale),
      this.#thresholds(measured, scale),
      this.#axis(measured, scale, Math.min(6, Math.floor(scale.inner.width / 130))),
      this.#lines(measured, scale),
      this.#strays(measured, scale),
      this.cursor,
      ...drawPins(view, measured, scale, size, this.way),
    );
    this.walk.max = String(measured.points.length - 1);
    if (document.activeElement === this.walk) this.#walked();
    else this.walk.value = this.walk.max;
    this.mark(this.marked ?? null);
    if (focused !== undefined) this.drawing.querySelector(`.pin[data-index="${focused}"]`)?.focus();
  }

  #summary() {
    const { feed, history } = this.#view;
    const last = feed.prices[feed.prices.length - 1];
    const stands = feed.answer === null ? "" : `, ${percent(feed.answer)} against the basis`;
    const named = feed.thresholds.map((wad) => shortPercent(wad)).join(", ");
    return (
      `Share price over ${count(feed.prices.length, "sample")}: now ${price(last.price)}${stands}. ` +
      `Thresholds at ${named}. ${count(history.length, "repaint")}.`
    );
  }

  #zones(measured, scale, ceiling, narrow) {
    const view = this.#view;
    const edges = measured.levels.map((level) => scale.y(level.price));
    const group = s("g", { "aria-hidden": "true" });
    const first = measured.levels.length ? measured.levels[0].index : this.#bandAt(measured);
    for (let step = 0; step <= edges.length; step++) {
      const band = first + step;
      const bottom = step === 0 ? scale.bottom : edges[step - 1];
      const top = step === edges.length ? ceiling : edges[step];
      const here = band === view.band ? "zone here" : "zone";
      const zone = s("rect", { class: here, x: scale.left, y: top, width: scale.inner.width, height: Math.max(0, bottom - top) });
      zone.style.setProperty("--zone", bandColour(band, view.bands));
      group.append(zone);
      const middle = (Math.max(top, scale.top) + bottom) / 2;
      if (bottom - Math.max(top, scale.top) < 13) continue;
      const late = narrow && lateIn(measured, scale, top, bottom);
      const place = narrow ? (late ? { x: scale.left + 6 } : { x: scale.right - 6, "text-anchor": "end" }) : { x: scale.right + 10 };
      const name = s("text", { class: here.replace("zone", "zone-name"), ...place, y: middle + 4 }, bandName(view, band));
      name.style.setProperty("--zone", bandColour(band, view.bands));
      group.append(name);
    }
    return group;
  }

  #hysteresis(measured, scale) {
    const reach = measured.basis * measured.hysteresis;
    const group = s("g", { "aria-hidden": "true" });
    for (const level of measured.levels) {
      const [top, bottom] = [scale.y(level.price + reach), scale.y(level.price - reach)];
      group.append(s("rect", { class: "hysteresis", x: scale.left, y: top, width: scale.inner.width, height: Math.max(0, bottom - top) }));
    }
    return group;
  }

  #bandAt(measured) {
    const middle = (measured.low + measured.high) / 2;
    return this.#view.feed.thresholds.filter((wad) => measured.basis * (1 + Number(BigInt(wad)) / 1e18) <= middle).length;
  }

  #thresholds(measured, scale) {
    const group = s("g", { "aria-hidden": "true" });
    let last = Infinity;
    const line = (kind, y, text) => {
      group.append(s("path", { class: kind, d: `M${scale.left} ${y}H${scale.right}` }));
      if (last - y < 14) return;
      group.append(s("text", { class: "level", x: scale.left - 8, y: y + 4, "text-anchor": "end" }, text));
      last = y;
    };
    const marks = measured.levels.map((level) => ["threshold", scale.y(level.price), level.text]);
    const basis = scale.y(measured.basis);
    const free = marks.every(([, y]) => Math.abs(y - basis) > 3);
    if (free && basis > scale.top && basis < scale.bottom) marks.push(["basis", basis, "basis"]);
    marks.sort(([, a], [, b]) => b - a);
    for (const mark of marks) line(...mark);
    return group;
  }

  #axis(measured, scale, wanted) {
    const group = s("g", { "aria-hidden": "true" });
    const { points } = measured;
    const places = ticks(points.length, wanted);
    const times = points.map(({ sample }) => sample.time).filter(Boolean);
    const timed = times.length < 2 || times[times.length - 1] - times[0] < DAYS;
    let day = "";
    places.forEach((index, place) => {
      const anchor = place === 0 ? "start" : place === places.length - 1 ? "end" : "middle";
      const { sample, x } = points[index];
      const block = place === 0 ? when(sample) : when(sample).replace("Checkpoint ", "");
      let text = moment(sample.label) || (sample.time ? dateOf(sample.time, timed) : block);
      if (sample.time && timed && !sample.label) {
        const [today, clock] = text.split(", ");
        text = (today === day ? clock : text).replace(" UTC", ""); // the day once is enough
        day = today;
      }
      group.append(s("text", { class: "tick", x: scale.x(x), y: scale.bottom + 21, "text-anchor": anchor }, text));
    });
    return group;
  }

  #lines(measured, scale) {
    const at = (key) => measured.points.filter((point) => point[key] !== null).map((point) => [scale.x(point.x), scale.y(point[key])]);
    const last = measured.points[measured.points.length - 1];
    return s(
      "g",
      { "aria-hidden": "true" },
      s("path", { class: "line-price", d: path(at("price")) }),
      s("path", { class: "line-agreed", d: path(at("agreed")) }),
      s("circle", { class: "line-end", cx: scale.x(last.x), cy: scale.y(last.agreed ?? last.price), r: 4.5 }),
    );
  }

  #strays(measured, scale) {
    const group = s("g", { class: "stray", "aria-hidden": "true" });
    for (const point of strays(measured)) {
      const [x, y] = [scale.x(point.x), scale.y(point.price)];
      const late = x > (scale.left + scale.right) / 2;
      group.append(
        s("circle", { cx: x, cy: y, r: 5 }),
        s("text", { x: x + (late ? -13 : 13), y: y + 4, "text-anchor": late ? "end" : "start" }, "a single reading, not believed"),
      );
    }
    return group;
  }

  #point(event) {
    if (!this.#drawn || event.target.closest?.(".pin, .walk:focus")) return this.#unpoint();
    const { measured, scale } = this.#drawn;
    this.#show(nearest(measured, scale, event.clientX - this.body.getBoundingClientRect().left));
    return undefined;
  }

  #walked() {
    if (!this.#drawn) return;
    const { measured } = this.#drawn;
    const point = measured.points[Number(this.walk.value)];
    this.#show(point);
    this.walk.setAttribute("aria-valuetext", [...this.tip.children].map((line) => line.textContent).join(", "));
  }

  #show(point) {
    const { scale } = this.#drawn;
    const x = scale.x(point.x);
    this.cursor.replaceChildren(
      s("path", { d: `M${x} ${scale.top}V${scale.bottom}` }),
      s("circle", { cx: x, cy: scale.y(point.price), r: 3.5 }),
    );
    this.cursor.setAttribute("visibility", "visible");
    const answer = point.sample.answer === null ? "not enough samples yet" : `answer ${percent(point.sample.answer)}`;
    this.tip.replaceChildren(h("strong", {}, when(point.sample)), h("span", {}, price(point.sample.price, 6)), h("span", {}, answer));
    this.tip.hidden = false;
    const left = x > this.#width / 2 ? x - this.tip.offsetWidth - 12 : x + 12;
    this.tip.style.setProperty("transform", `translate(${left}px, ${Math.max(0, scale.y(point.price) - 30)}px)`);
  }

  #unpoint() {
    if (document.activeElement === this.walk && this.#drawn?.measured) {
      // Whoever walks by keyboard keeps the place.
      return;
    }
    this.tip.hidden = true;
    this.cursor?.setAttribute("visibility", "hidden");
  }
}
