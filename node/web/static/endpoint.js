// A visitor's own way to the chain: the few questions that a proof needs, asked at an endpoint that they name.

import { fromHex, signed, toBigInt, toHex, utf8, word } from "./bytes.js";
import { keccak256 } from "./keccak.js";

const REPORTED = "Reported(uint256,uint64,bytes32,bytes32,int256,uint8,uint8,bytes32,uint256,address)";
const SECONDS = 20;

export class Endpoint {
  constructor(url) {
    const parsed = new URL(url);
    if (!/^https?:$/.test(parsed.protocol)) throw new Error("an endpoint's address begins with https:// or http://");
    this.url = parsed.href;
    this.name = parsed.host;
  }

  async chainId() {
    return Number(BigInt(await this.#ask("eth_chainId", [])));
  }

  /** The oracle that a collection was deployed with, and a token's tokenURI. */
  async token(collection, token) {
    const [oracle, uri] = await Promise.all([
      this.#call(collection, selector("ORACLE()")),
      this.#call(collection, selector("tokenURI(uint256)") + toHex(word(token)).slice(2)),
    ]);
    const length = Number(toBigInt(uri.subarray(32, 64)));
    if (length > uri.length - 64) throw new Error("it answers a text that is cut short");
    return { oracle: toHex(oracle.subarray(12, 32)), uri: new TextDecoder().decode(uri.subarray(64, 64 + length)) };
  }

  /** The event with which the oracle tells of a report, from the transaction's receipt; null where there is none. */
  async reported(tx, oracle, feed, checkpoint) {
    const receipt = await this.#ask("eth_getTransactionReceipt", [tx]);
    const topics = [toHex(keccak256(utf8(REPORTED))), toHex(word(feed)), toHex(word(checkpoint))];
    const log = (receipt?.logs ?? []).find(
      (one) => one.address?.toLowerCase() === oracle.toLowerCase() && topics.every((topic, index) => one.topics?.[index]?.toLowerCase() === topic),
    );
    if (!log) return null;
    const body = fromHex(log.data);
    const at = (index) => body.subarray(index * 32, index * 32 + 32);
    return {
      block: Number(BigInt(receipt.blockNumber)),
      config_digest: toHex(at(0)),
      report_digest: toHex(at(1)),
      answer: String(signed(at(2))),
      previous_band: Number(toBigInt(at(3))),
      band: Number(toBigInt(at(4))),
      content_root: toHex(at(5)),
      signers: String(toBigInt(at(6))),
    };
  }

  #call = async (to, data) => fromHex(await this.#ask("eth_call", [{ to, data }, "latest"]));

  async #ask(method, params) {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(SECONDS * 1000),
    });
    const answer = await response.json();
    if (answer.error || answer.result === undefined) throw new Error(`${method}: ${String(answer.error?.message ?? "no answer").slice(0, 120)}`);
    return answer.result;
  }
}

const selector = (signature) => toHex(keccak256(utf8(signature)).subarray(0, 4));
