// What a committee signs: the report's EIP-712 digest, the committee's own digest, and the rules of answer and band.

import { concat, fromHex, utf8, word } from "./bytes.js";
import { keccak256 } from "./keccak.js";

const REPORT_TYPE =
  "Report(uint256 feed,uint64 checkpoint,bytes32 blockHash,uint8 view,uint256 observers," +
  "int256[] observations,int256[] signals,bytes32 contentRoot)";
const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)";

const named = (text) => keccak256(utf8(text));
const address = (text) => concat(new Uint8Array(12), fromHex(text, 20));
const list = (values) => keccak256(concat(...values.map(word)));

/** The digest of a report under a domain, as the proof's fields give both. */
export function reportDigest(proof) {
  const { message } = proof;
  const domain = keccak256(
    concat(named(DOMAIN_TYPE), named("Patina"), named("1"), word(proof.chain_id), address(proof.oracle), fromHex(proof.config_digest, 32)),
  );
  const struct = keccak256(
    concat(
      named(REPORT_TYPE),
      word(message.feed),
      word(message.checkpoint),
      fromHex(message.blockHash, 32),
      word(message.view),
      word(message.observers),
      list(message.observations),
      list(message.signals),
      fromHex(message.contentRoot, 32),
    ),
  );
  return keccak256(concat(Uint8Array.of(0x19, 0x01), domain, struct));
}

/** How many signatures a committee of n makes a report with. */
export const quorumOf = (n) => Math.floor((n + Math.floor((n - 1) / 3)) / 2) + 1;

/** The digest that names a committee: its members, their transport keys, and the contract that they report to. */
export function configDigest(proof) {
  const n = proof.members.length;
  const members = keccak256(concat(...proof.members.map((one) => fromHex(one, 20)), ...proof.transport_keys.map((key) => fromHex(key, 32))));
  return keccak256(
    concat(word(proof.chain_id), address(proof.oracle), members, word(Math.floor((n - 1) / 3)), word(quorumOf(n)), word(1)),
  );
}

/** The places of the bits that are set. */
export function bits(bitmap) {
  const found = [];
  for (let rest = BigInt(bitmap), place = 0; rest > 0n; rest >>= 1n, place++) if (rest & 1n) found.push(place);
  return found;
}

/** The lower median. */
export function median(values) {
  const sorted = values.map(BigInt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** The band that an answer leads to, coming from another. */
export function nextBand(answer, band, thresholds, hysteresis) {
  const reach = BigInt(hysteresis);
  const up = thresholds.filter((edge) => BigInt(answer) >= BigInt(edge) + reach).length;
  const down = thresholds.filter((edge) => BigInt(answer) >= BigInt(edge) - reach).length;
  return up > band ? up : Math.min(band, down);
}
