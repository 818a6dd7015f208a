// Times, amounts and sizes in words, for pages about the network and the node.

import { h } from "./dom.js";
import { group } from "./format.js";

const UNITS = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** So many seconds in the largest unit that fits: "3 minutes". */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [size, unit] = UNITS.find(([length]) => whole >= length) ?? UNITS[3];
  const number = Math.floor(whole / size);
  return `${group(number)} ${unit}${number === 1 ? "" : "s"}`;
}

const APART = 3_600;

/** The seconds by which a chain's clock differs from this one's, where it runs by a clock of its own: a test chain. */
export function apart(time) {
  const by = time ? time - Date.now() / 1000 : 0;
  return Math.abs(by) > APART ? by : 0;
}

/** A moment (Unix time) as how long ago it was; `by` as of `apart`. */
export function ago(time, by = 0) {
  const passed = Date.now() / 1000 + by - time;
  return passed < 15 ? "just now" : `${span(passed)} ago`;
}

/** A moment to come: "in 2 hours". */
export const until = (time, by = 0) => (over(time, by) ? "now" : `in ${span(time - Date.now() / 1000 - by)}`);

/** Whether a moment has passed. */
export const over = (time, by = 0) => time <= Date.now() / 1000 + by;

/** An amount of a token's smallest units, as a decimal text: "1 234.5", at most `places` of them. */
export function amount(units, decimals = 18, places = 4) {
  const value = BigInt(units);
  const magnitude = value < 0n ? -value : value;
  const one = 10n ** BigInt(decimals);
  const rest = (magnitude % one).toString().padStart(decimals, "0").slice(0, places).replace(/0+$/, "");
  const tiny = magnitude > 0n && magnitude / one === 0n && !rest;
  return tiny ? `below 0.${"0".repeat(places - 1)}1` : `${value < 0n ? "−" : ""}${group(magnitude / one)}${rest ? `.${rest}` : ""}`;
}

/** Bytes in the unit that fits: "1.4 GiB". */
export function bytes(number) {
  if (number === null || number === undefined) return "not measured yet";
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const place = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, number)) / 10)));
  return place ? `${(number / 1024 ** place).toFixed(1)} ${units[place]}` : `${number} bytes`;
}

/** A term and what it says, for a list of facts. */
export const term = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];
