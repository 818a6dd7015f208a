// Who signed: the address behind an EIP-2098 signature. It reads public values alone, so it need not hide its timing.

import { toBigInt, toHex, word } from "./bytes.js";
import { keccak256 } from "./keccak.js";

// SEC 2, section 2.4.1.
const P = (1n << 256n) - (1n << 32n) - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n, 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n];
const PARITY = 1n << 255n;

const mod = (value, modulus = P) => ((value % modulus) + modulus) % modulus;

function inverse(value, modulus) {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (b) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  if (a !== 1n) throw new Error("a number without an inverse");
  return mod(x, modulus);
}

function power(base, exponent) {
  let result = 1n;
  for (let square = base; exponent; exponent >>= 1n, square = mod(square * square)) if (exponent & 1n) result = mod(result * square);
  return result;
}

// Points in Jacobian coordinates [X, Y, Z], Z = 0 being the point at infinity.
const NOWHERE = [0n, 1n, 0n];

function double([x, y, z]) {
  if (!y || !z) return NOWHERE;
  const s = mod(4n * x * y * y);
  const m = mod(3n * x * x);
  const x3 = mod(m * m - 2n * s);
  return [x3, mod(m * (s - x3) - 8n * y ** 4n), mod(2n * y * z)];
}

function add(p, q) {
  if (!p[2]) return q;
  if (!q[2]) return p;
  const [z1, z2] = [mod(p[2] * p[2]), mod(q[2] * q[2])];
  const [u1, u2] = [mod(p[0] * z2), mod(q[0] * z1)];
  const [s1, s2] = [mod(p[1] * z2 * q[2]), mod(q[1] * z1 * p[2])];
  if (u1 === u2) return s1 === s2 ? double(p) : NOWHERE;
  const [h, r] = [mod(u2 - u1), mod(s2 - s1)];
  const [h2, u] = [mod(h * h), mod(u1 * mod(h * h))];
  const h3 = mod(h * h2);
  const x3 = mod(r * r - h3 - 2n * u);
  return [x3, mod(r * (u - x3) - s1 * h3), mod(h * p[2] * q[2])];
}

/** a * p + b * q, both at once. */
function combine(a, p, b, q) {
  const both = add(p, q);
  let sum = NOWHERE;
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = double(sum);
    const here = [(a >> bit) & 1n, (b >> bit) & 1n];
    if (here[0] && here[1]) sum = add(sum, both);
    else if (here[0]) sum = add(sum, p);
    else if (here[1]) sum = add(sum, q);
  }
  return sum;
}

/** The address (lower-case) that signed a 32-byte digest with 64 bytes of EIP-2098; an Error if they are no signature. */
export function recover(digest, signature) {
  if (digest.length !== 32 || signature.length !== 64) throw new Error("not a digest and a signature");
  const r = toBigInt(signature.subarray(0, 32));
  const last = toBigInt(signature.subarray(32));
  const s = last & (PARITY - 1n);
  // EIP-2 takes no s in the upper half, so that a signature has one form only.
  if (r <= 0n || r >= N || s <= 0n || s > N / 2n) throw new Error("numbers out of range");
  const square = mod(r ** 3n + 7n);
  let y = power(square, (P + 1n) / 4n);
  if (mod(y * y) !== square) throw new Error("no point of the curve");
  if ((y & 1n) !== last >> 255n) y = P - y;
  const back = inverse(r, N);
  const point = combine(mod(s * back, N), [r, y, 1n], mod(-toBigInt(digest) * back, N), [...G, 1n]);
  if (!point[2]) throw new Error("no public key");
  const z = inverse(point[2], P);
  const key = [mod(point[0] * z * z), mod(point[1] * z * z * z)];
  const bytes = new Uint8Array(64);
  bytes.set(word(key[0]));
  bytes.set(word(key[1]), 32);
  return toHex(keccak256(bytes).subarray(12));
}
