// Keccak-256 as Ethereum uses it (FIPS 202's permutation with the padding of the original submission).

const MASK = (1n << 64n) - 1n;
const RATE = 136; // bytes absorbed at a time: 1600 bits less twice 256
const ROTATIONS = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14].map(BigInt);
const ROUNDS = constants();

/** The 32-byte hash of some bytes. */
export function keccak256(message) {
  const state = new Array(25).fill(0n);
  const padded = new Uint8Array(Math.floor(message.length / RATE + 1) * RATE);
  padded.set(message);
  padded[message.length] = 0x01;
  padded[padded.length - 1] |= 0x80;
  const view = new DataView(padded.buffer);
  for (let block = 0; block < padded.length; block += RATE) {
    for (let lane = 0; lane < RATE / 8; lane++) state[lane] ^= view.getBigUint64(block + lane * 8, true);
    permute(state);
  }
  const out = new DataView(new ArrayBuffer(32));
  for (let lane = 0; lane < 4; lane++) out.setBigUint64(lane * 8, state[lane], true);
  return new Uint8Array(out.buffer);
}

const rotate = (lane, by) => (by ? ((lane << by) | (lane >> (64n - by))) & MASK : lane);

function permute(a) {
  const c = new Array(5);
  const b = new Array(25);
  for (const constant of ROUNDS) {
    for (let x = 0; x < 5; x++) c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (let x = 0; x < 5; x++) {
      const d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1n);
      for (let y = 0; y < 25; y += 5) a[x + y] ^= d;
    }
    for (let x = 0; x < 5; x++) {
      for (let y = 0; y < 5; y++) b[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(a[x + 5 * y], ROTATIONS[x + 5 * y]);
    }
    for (let y = 0; y < 25; y += 5) {
      for (let x = 0; x < 5; x++) a[x + y] = b[x + y] ^ (~b[((x + 1) % 5) + y] & MASK & b[((x + 2) % 5) + y]);
    }
    a[0] ^= constant;
  }
}

/** The constants of the 24 rounds, from the shift register that the standard makes them with. */
function constants() {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let place = 0; place < 7; place++) {
      if (register & 1) constant |= 1n << ((1n << BigInt(place)) - 1n);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    return constant;
  });
}
