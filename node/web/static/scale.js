// The plot's geometry: which prices and checkpoints are in view, and where they lie in pixels.

import { shortPercent, toNumber } from "./format.js";

const MAX_LEVELS_APART = 0.75; // thresholds further off than this share of the span are left out

/** Plain numbers for drawing: points, threshold levels that are in view, and the range of prices. */
export function measure(view) {
  const basis = toNumber(view.feed.basis);
  const points = view.feed.prices.map((sample) => ({
    x: sample.checkpoint,
    price: toNumber(sample.price),
    agreed: sample.answer === null ? null : basis * (1 + toNumber(sample.answer)),
    sample,
  }));
  const prices = points.flatMap((point) => (point.agreed === null ? [point.price] : [point.price, point.agreed]));
  let low = Math.min(...prices);
  let high = Math.max(...prices);
  const span = Math.max(high - low, basis * 0.002);
  const levels = view.feed.thresholds.map((wad, index) => ({
    index,
    price: basis * (1 + toNumber(wad)),
    text: shortPercent(wad),
  }));
  const near = levels.filter(
    (level) => level.price > low - span * MAX_LEVELS_APART && level.price < high + span * MAX_LEVELS_APART,
  );
  for (const level of near) {
    low = Math.min(low, level.price);
    high = Math.max(high, level.price);
  }
  const room = Math.max(high - low, basis * 0.002) * 0.07;
  return { basis, points, levels: near, low: low - room, high: high + room, hysteresis: toNumber(view.feed.hysteresis) };
}

/**
 * Points that stand alone beyond a threshold between two that do not, and that the agreed answer never followed:
 * readings that the median over the window kept from repainting anything.
 */
export function strays(measured) {
  const side = (value) => measured.levels.filter((level) => value >= level.price).length;
  return measured.points.filter((point, index) => {
    const [before, after] = [measured.points[index - 1], measured.points[index + 1]];
    if (!before || !after || point.agreed === null) return false;
    const usual = side(before.price);
    return side(point.price) !== usual && side(after.price) === usual && side(point.agreed) === usual;
  });
}

/** Maps checkpoints and prices to pixels of a `width` by `height` drawing with these margins. */
export function scales(measured, width, height, margin) {
  const first = measured.points[0].x;
  const last = measured.points[measured.points.length - 1].x;
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const x = (checkpoint) => margin.left + (last === first ? 0.5 : (checkpoint - first) / (last - first)) * inner.width;
  const y = (price) => margin.top + ((measured.high - price) / (measured.high - measured.low)) * inner.height;
  return { x, y, inner, left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
}

/** The sample nearest to a pixel. */
export function nearest(measured, scale, pixel) {
  let low = 0;
  let high = measured.points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (scale.x(measured.points[middle].x) < pixel) low = middle;
    else high = middle;
  }
  const [a, b] = [measured.points[low], measured.points[high]];
  return Math.abs(scale.x(a.x) - pixel) <= Math.abs(scale.x(b.x) - pixel) ? a : b;
}

/** The line through points given as [x, y] pixels, as an SVG path. */
export const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/** Indices of at most `wanted` points spread evenly, for the labels below the plot. */
export function ticks(length, wanted) {
  const number = Math.max(2, Math.min(wanted, length));
  if (length === 1) return [0];
  return Array.from({ length: number }, (_, index) => Math.round((index * (length - 1)) / (number - 1)));
}
