// Bytes and their spellings: hexadecimal, words of 32 bytes, UTF-8.

export const ZERO = "0x" + "0".repeat(64);

const text = new TextEncoder();

/** The UTF-8 bytes of a text. */
export const utf8 = (string) => text.encode(string);

/** Bytes as lower-case hexadecimal with 0x. */
export const toHex = (bytes) => "0x" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes of a hexadecimal text with 0x; an Error for any other text, or another length where one is asked for. */
export function fromHex(hex, length = null) {
  if (typeof hex !== "string" || !/^0x([0-9a-f]{2})*$/i.test(hex)) throw new Error("not hexadecimal");
  const bytes = Uint8Array.from(hex.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (length !== null && bytes.length !== length) throw new Error(`${bytes.length} bytes where ${length} belong`);
  return bytes;
}

/** Several byte arrays as one. */
export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** An integer as a word of 32 bytes, big-endian; negative ones in two's complement. */
export function word(value) {
  const number = BigInt(value);
  if (number >= 1n << 256n || number < -(1n << 255n)) throw new Error("an integer beyond 256 bits");
  return fromHex("0x" + (number < 0n ? number + (1n << 256n) : number).toString(16).padStart(64, "0"));
}

/** Bytes as a number, big-endian. */
export const toBigInt = (bytes) => (bytes.length ? BigInt(toHex(bytes)) : 0n);

/** A word as a signed integer. */
export const signed = (bytes) => BigInt.asIntN(256, toBigInt(bytes));

/** Whether two byte arrays are the same. */
export const same = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);
