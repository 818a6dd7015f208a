// SHA-256: the browser's own where it lends it (pages over TLS or from this machine), else the same in plain JavaScript.

const PRIMES = firstPrimes(64);
const FRACTION = (root, prime) => {
  // The first 32 bits of the fraction of a prime's root (FIPS 180-4, sections 4.2.2 and 5.3.3), in integers.
  const wanted = BigInt(prime) << (root === 2 ? 64n : 96n);
  let low = 0n;
  let high = 1n << 40n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** BigInt(root) <= wanted) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
};
const K = PRIMES.map((prime) => FRACTION(3, prime));
const START = PRIMES.slice(0, 8).map((prime) => FRACTION(2, prime));

/** The 32-byte digest of some bytes. */
export async function sha256(bytes) {
  const own = globalThis.crypto?.subtle;
  return own ? new Uint8Array(await own.digest("SHA-256", bytes)) : plainSha256(bytes);
}

/** The same without the browser's help. */
export function plainSha256(bytes) {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = Uint32Array.from(START);
  const w = new Uint32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getUint32(block + t * 4);
    for (let t = 16; t < 64; t++) {
      const [a, b] = [w[t - 15], w[t - 2]];
      w[t] = w[t - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[t - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let t = 0; t < 64; t++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, index) => (state[index] += value));
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((value, index) => out.setUint32(index * 4, value));
  return new Uint8Array(out.buffer);
}

const turn = (value, by) => (value >>> by) | (value << (32 - by));

function firstPrimes(count) {
  const found = [];
  for (let number = 2; found.length < count; number++) if (found.every((prime) => number % prime)) found.push(number);
  return found;
}
