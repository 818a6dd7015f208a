// Numbers, names and moments in words: wads arrive as decimal strings and are cut exactly.

const WAD = 10n ** 18n;

/** A wad string as a JavaScript number, for places on a screen only. */
export const toNumber = (wad) => Number(BigInt(wad)) / 1e18;

/** A wad as per cent: "+1.23 %", rounded half away from zero, as the node's own words are (node/explain/numbers.py). */
export function percent(wad, digits = 2, signed = true) {
  const value = BigInt(wad);
  const magnitude = value < 0n ? -value : value;
  const unit = 10n ** BigInt(digits);
  const rounded = (magnitude * 100n * unit + WAD / 2n) / WAD;
  const whole = (rounded / unit).toString();
  const rest = digits ? "." + (rounded % unit).toString().padStart(digits, "0") : "";
  const sign = rounded === 0n ? (signed ? "±" : "") : value < 0n ? "−" : signed ? "+" : "";
  return `${sign}${whole}${rest} %`;
}

/** A threshold with as few decimals as say it exactly: "+2 %", "−0.25 %". */
export function shortPercent(wad, signed = true) {
  const long = percent(wad, 4, signed);
  return long.replace(/(\.\d*?)0+ %$/, "$1 %").replace(/\. %$/, " %");
}

/** A share price with enough digits to tell neighbours apart. */
export function price(wad, digits = 4) {
  const value = BigInt(wad);
  const whole = value / WAD;
  return `${group(whole)}.${(value % WAD).toString().padStart(18, "0").slice(0, digits)}`;
}

/** An integer in groups of three, with narrow spaces. */
export const group = (number) => String(number).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

/** A long hexadecimal or CID, its middle left out. */
export const brief = (text, head = 6, tail = 4) =>
  text.length > head + tail + 3 ? `${text.slice(0, head)}…${text.slice(-tail)}` : text;

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** A sample's label as a moment: a date, a date with time, seconds since 1970, or what it says. */
export function moment(label, withTime = true) {
  const text = label ?? "";
  let date = null;
  let timed = false;
  if (/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)) {
    timed = text.length > 10;
    date = new Date(timed ? (/(Z|[+-]\d{2}:\d{2})$/.test(text) ? text : text + "Z") : text + "T00:00Z");
  } else if (/^\d{9,10}$/.test(text)) {
    timed = true;
    date = new Date(Number(text) * 1000);
  }
  if (date === null || Number.isNaN(date.getTime())) return text;
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  if (!timed || !withTime) return `${day} ${date.getUTCFullYear()}`;
  const clock = date.toISOString().slice(11, 16);
  return `${day}, ${clock}`;
}

/** Seconds since 1970 as a day, with the hour where it matters. */
export function dateOf(seconds, withTime = true) {
  const date = new Date(seconds * 1000);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return withTime ? `${day}, ${date.toISOString().slice(11, 16)} UTC` : day;
}

/** When a sample or a repaint was: its label's moment, its block's time, else its checkpoint. */
export const when = (item) =>
  moment(item.label) ||
  (item.time ? `${item.about ? "about " : ""}${dateOf(item.time, !item.about)}` : `Checkpoint ${group(item.checkpoint)}`);

/** The page of a token, and on it the moment of a repaint. */
export const tokenPage = (view, id, repaint = null) =>
  `/token/${view.collection}/${id}${repaint ? `#at-${repaint.checkpoint}` : ""}`;

/** A band in words: its mood where the recipe names one. */
export const bandName = (view, band) => view.moods?.[band] || `Band ${band + 1}`;

/** A band's pictures in words, for who does not see them: its mood and what is on them, where that is known. */
export const bandScene = (view, band) => bandName(view, band) + (view.scenes?.[band] ? `: ${view.scenes[band]}` : "");

/** A band's colour, as CSS: from dusk through verdigris to gold. */
export function bandColour(band, bands) {
  const place = bands > 1 ? (band / (bands - 1)) * 200 : 100;
  return place <= 100
    ? `color-mix(in oklab, var(--band-low), var(--band-mid) ${place}%)`
    : `color-mix(in oklab, var(--band-mid), var(--band-high) ${place - 100}%)`;
}

/** "1 work", "6 works". */
export const count = (number, one, many = one + "s") => `${group(number)} ${number === 1 ? one : many}`;
