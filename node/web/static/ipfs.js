// Content by its hashes: CIDs, dag-pb blocks, and the way from a root to a file, every block hashed here.

import { same } from "./bytes.js";
import { sha256 } from "./sha256.js";

export const RAW = 0x55;
export const DAG_PB = 0x70;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const MAX_BLOCK = 2 << 20;
const MAX_FILE = 64 << 20;

/** Something that does not fit its hash, or is not what its place asks for. */
export class ContentError extends Error {}

/** A CIDv1 (sha2-256, raw or dag-pb) in lower-case base32, as {codec, digest, text}. */
export function parseCid(text) {
  if (typeof text !== "string" || !/^b[a-z2-7]{58}$/.test(text)) throw new ContentError("not a CIDv1 in lower-case base32");
  let bits = 0;
  let held = 0;
  const bytes = [];
  for (const letter of text.slice(1)) {
    held = (held << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 0xff);
    held &= 0xff;
  }
  if (held & ((1 << bits) - 1)) throw new ContentError("a CID with stray bits at its end");
  return binaryCid(Uint8Array.from(bytes));
}

function binaryCid(bytes) {
  if (bytes.length !== 36 || bytes[0] !== 1 || bytes[2] !== 0x12 || bytes[3] !== 0x20) throw new ContentError("not a CIDv1 with a sha2-256 digest");
  if (bytes[1] !== RAW && bytes[1] !== DAG_PB) throw new ContentError("a CID of an unknown kind of block");
  return makeCid(bytes[1], bytes.slice(4));
}

/** The CID of a digest. */
export function makeCid(codec, digest) {
  let [bits, held, text] = [0, 0, "b"];
  for (const byte of [1, codec, 0x12, 0x20, ...digest]) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) text += ALPHABET[(held >> (bits -= 5)) & 31];
    held &= 0xff;
  }
  return { codec, digest, text: text + ALPHABET[(held << (5 - bits)) & 31] };
}

/** The block that a CID names, from `fetchBlock(cid text)`; a ContentError unless its bytes have that hash. */
export async function block(cid, fetchBlock) {
  const bytes = await fetchBlock(cid.text);
  if (bytes.length > MAX_BLOCK) throw new ContentError(`a block of ${bytes.length} bytes, more than IPFS nodes exchange`);
  const found = await sha256(bytes);
  if (!same(found, cid.digest)) {
    throw new ContentError(`the bytes sent for ${cid.text} have another hash: they would be ${makeCid(cid.codec, found).text}`);
  }
  return bytes;
}

/** A dag-pb block as {kind: "directory" | "file", links: [{name, cid, size}], sizes}. */
export function decode(bytes) {
  const links = [];
  let payload = null;
  for (const [number, value] of fields(bytes)) {
    if (number === 2 && value instanceof Uint8Array) links.push(link(value));
    else if (number === 1 && value instanceof Uint8Array && payload === null) payload = value;
    else throw new ContentError("a dag-pb block with a field that has no place there");
  }
  if (payload === null) throw new ContentError("a dag-pb block without UnixFS content");
  const sizes = [];
  let kind = null;
  for (const [number, value] of fields(payload)) {
    if (value instanceof Uint8Array || ![1, 3, 4].includes(number)) throw new ContentError("UnixFS content of another kind");
    if (number === 1) kind = value;
    if (number === 4) sizes.push(value);
  }
  if (kind === 1) return { kind: "directory", links, sizes };
  if (kind === 2 && links.length === sizes.length) return { kind: "file", links, sizes };
  throw new ContentError("neither a UnixFS directory nor a file");
}

function link(message) {
  const values = new Map(fields(message));
  const [binary, name, size] = [values.get(1), values.get(2), values.get(3)];
  if (!(binary instanceof Uint8Array) || !(name instanceof Uint8Array)) throw new ContentError("a dag-pb link without hash or name");
  return { cid: binaryCid(binary), name: new TextDecoder().decode(name), size };
}

function* fields(message) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= message.length || scale > 2 ** 49) throw new ContentError("a protobuf number cut short, or too long");
      const byte = message[at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = number();
    const value = number();
    if ((key & 7) === 0) yield [Math.floor(key / 8), value];
    else if ((key & 7) === 2 && value <= message.length - at) yield [Math.floor(key / 8), message.subarray(at, (at += value))];
    else throw new ContentError("a protobuf field that has no place in dag-pb");
  }
}

/** The entries of a directory, hashed: [{name, cid}]. */
export async function directory(cid, fetchBlock) {
  if (cid.codec !== DAG_PB) throw new ContentError(`${cid.text} is no directory`);
  const node = decode(await block(cid, fetchBlock));
  if (node.kind !== "directory") throw new ContentError(`${cid.text} is a file, not a directory`);
  return node.links;
}

/** The one entry of a name. */
export function entry(links, name) {
  const found = links.filter((one) => one.name === name);
  if (found.length !== 1) throw new ContentError(found.length ? `two entries are called ${name}` : `there is no entry ${name}`);
  return found[0].cid;
}

/** The bytes of a file, every block of it hashed, and how many blocks that were. */
export async function file(cid, fetchBlock) {
  const first = await block(cid, fetchBlock);
  if (cid.codec === RAW) return { bytes: first, blocks: 1 };
  const node = decode(first);
  const total = node.sizes.reduce((sum, size) => sum + size, 0);
  if (node.kind !== "file" || total > MAX_FILE) throw new ContentError(`${cid.text} is no file of an ordinary size`);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const [index, { cid: piece }] of node.links.entries()) {
    const found = piece.codec === RAW ? await block(piece, fetchBlock) : null;
    if (found?.length !== node.sizes[index]) throw new ContentError(`a piece of ${cid.text} has another size than it should`);
    bytes.set(found, at);
    at += found.length;
  }
  return { bytes, blocks: node.links.length + 1 };
}
