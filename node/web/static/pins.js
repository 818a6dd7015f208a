// The pictures pinned to the plot where the vault crossed a threshold.

import { s, smallPath } from "./dom.js";
import { bandColour, bandName, percent, when } from "./format.js";

const GAP = 8;
const STEM = 16;

/** Side of a pinned picture in pixels, for a plot of this width and this many pins. */
export function pinSize(width, pins) {
  const widest = width < 560 ? 40 : 68;
  return Math.max(26, Math.min(widest, Math.floor(width / Math.max(pins, 1)) - GAP));
}

/** The repaints that are pinned, as [index, repaint]: crossings and the first painting, the latest that fit. */
export function pinned(view, width) {
  const all = [...view.history.entries()].filter(([index, r]) => index === 0 || r.band !== r.previous_band);
  return all.slice(-Math.max(1, Math.floor(width / (26 + GAP))));
}

/** SVG groups, one for each pin: links where `way.link(index)` gives an address, else buttons that `way.choose(index)`. */
export function drawPins(view, measured, scale, size, way) {
  const spots = pinned(view, scale.inner.width)
    .filter(([, repaint]) => repaint.checkpoint >= measured.points[0].x)
    .map(([index, repaint]) => spot(index, repaint, measured, scale));
  settle(spots, scale, size);
  return spots.map((place) => pin(view, place, measured, scale, size, way));
}

function spot(index, repaint, measured, scale) {
  const sample = measured.points.findLast((point) => point.x <= repaint.checkpoint) ?? measured.points[0];
  return { index, repaint, x: scale.x(repaint.checkpoint), y: scale.y(sample.agreed ?? sample.price), left: 0, top: 0 };
}

/** Side by side without overlap, each as near to its crossing as its neighbours allow. */
function settle(spots, scale, size) {
  let edge = scale.left + 2;
  for (const place of spots) {
    place.left = Math.max(edge, place.x - size / 2);
    edge = place.left + size + GAP;
  }
  edge = scale.right - 2;
  for (const place of [...spots].reverse()) {
    place.left = Math.min(place.left, edge - size);
    edge = place.left - GAP;
  }
}

function ceiling(place, measured, scale, size) {
  // The highest the line gets under the picture, so that the picture hangs clear of it.
  let top = place.y;
  for (const point of measured.points) {
    const x = scale.x(point.x);
    if (x < place.left - 4 || x > place.left + size + 4) continue;
    top = Math.min(top, scale.y(Math.max(point.price, point.agreed ?? point.price)));
  }
  return top;
}

function pin(view, place, measured, scale, size, way) {
  const { repaint, index } = place;
  place.top = Math.max(3, ceiling(place, measured, scale, size) - STEM - size);
  const colour = bandColour(repaint.band, view.bands);
  const middle = place.left + size / 2;
  const answer = repaint.answer === null ? "" : `, ${percent(repaint.answer)}`;
  const clip = `pin-${view.collection}-${view.edition}-${index}`.toLowerCase();
  const label = `${when(repaint)}: ${bandName(view, repaint.band)}${answer}`;
  const common = { class: "pin", "data-index": index, style: { "--band": colour } };
  return s(
    way.link ? "a" : "g",
    way.link
      ? { ...common, href: way.link(index), "aria-label": `${label}. Its artworks then` }
      : { ...common, role: "button", tabindex: "0", "aria-label": `${label}. Show it as it was`, on: pressed(() => way.choose(index)) },
    s("path", { class: "pin-stem", d: `M${middle} ${place.top + size}L${place.x} ${place.y}` }),
    s("circle", { class: "pin-foot", cx: place.x, cy: place.y, r: 4 }),
    s("clipPath", { id: clip }, s("rect", { x: place.left, y: place.top, width: size, height: size, rx: 6 })),
    s("rect", { class: "pin-back", x: place.left, y: place.top, width: size, height: size, rx: 6 }),
    s("image", {
      href: smallPath(repaint.images[0], 128),
      x: place.left,
      y: place.top,
      width: size,
      height: size,
      preserveAspectRatio: "xMidYMid slice",
      "clip-path": `url(#${clip})`,
    }),
    s("rect", { class: "pin-edge", x: place.left, y: place.top, width: size, height: size, rx: 6 }),
  );
}

function pressed(choose) {
  return {
    click: choose,
    keydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose();
    },
  };
}
