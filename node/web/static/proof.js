// The proof of a token, step by step: what this browser checks itself, and what it has to take from others.

import { fromHex, same, toHex } from "./bytes.js";
import { group, percent } from "./format.js";
import { ContentError, DAG_PB, block, directory, entry, file, makeCid, parseCid } from "./ipfs.js";
import { bits, configDigest, median, nextBand, quorumOf, reportDigest } from "./report.js";
import { recover } from "./secp256k1.js";

/** Every step: its key, its name, and what it shows when it is right. */
export const STEPS = [
  ["chain", "What the token names", "On chain the token names its content by a fingerprint, not by a place: whoever hands it out cannot change it."],
  ["report", "The decision that painted it", "The contract took a report of the nodes, and keeps a fingerprint of it and of the content that it names."],
  ["digest", "What was signed", "The report's fields, put together here, have the very fingerprint that the contract keeps (EIP-712)."],
  ["committee", "Who may sign", "These members, and no others, have the fingerprint of the committee that was in force."],
  ["signatures", "The signatures", "Each was made with a member's own key, over exactly this report, and they are enough."],
  ["answer", "The measurement", "The answer is the middle one of what the nodes measured, and the rules lead from it to this band."],
  ["root", "From the decision to the content", "The content that was signed for is the one that the token names."],
  ["path", "The way to the token's files", "Every folder on the way has the fingerprint that it was asked for by: nothing was put in its place."],
  ["metadata", "The description", "It has its fingerprint, and says of the token what was signed."],
  ["recipe", "The recipe", "The document that says how to paint has the fingerprint that the description names."],
  ["picture", "The picture", "Every byte of it was checked before it was drawn here: change one, and the fingerprint is another."],
  ["render", "Painted again", "The model paints the same bytes again from the token's seed, the band and the signals."],
];

class Wrong extends Error {}
class Untold extends Error {}

const SUPPLY_OF_ONE_FOLDER = 1000;
const NODE = "node";
const BROWSER = "browser";
const ENDPOINT = "endpoint";

/**
 * Take all steps for `wanted` = {collection, token, checkpoint | null}. `source` has `json(path)`, `block(cid)` and an
 * Endpoint or null as `endpoint`; `note(key, {state, by, told, details})` hears of each step: "busy", "ok", "wrong",
 * "untold". Returns {view, proof, picture}, as far as they came.
 */
export async function prove(source, wanted, note) {
  const state = { ...wanted, source, done: new Set() };
  const step = async (key, by, needs, take) => {
    note(key, { state: "busy", by });
    try {
      for (const [need, what] of needs) if (!state.done.has(need)) throw new Untold(`It cannot be told: ${what}.`);
      const found = await take();
      state.done.add(key);
      note(key, { state: "ok", by, ...found });
    } catch (error) {
      const wrong = error instanceof Wrong || error instanceof ContentError;
      note(key, { state: wrong ? "wrong" : "untold", by, told: error.message, details: error.details ?? [] });
    }
  };
  const onChain = source.endpoint ? ENDPOINT : NODE;
  await step("chain", onChain, [], () => chain(state));
  if (!state.view) {
    for (const [key] of STEPS.slice(1)) note(key, { state: "untold", by: BROWSER, told: "It cannot be told: the token is not known." });
    return state;
  }
  if (state.repaint) {
    const report = ["report", "the report is not known"];
    await step("report", onChain, [], () => reported(state));
    await step("digest", BROWSER, [report], () => digest(state));
    await step("committee", BROWSER, [report], () => committee(state));
    const before = [["digest", "what was signed is not what the event names"], ["committee", "the committee is not known"]];
    await step("signatures", BROWSER, before, () => signatures(state));
    await step("answer", BROWSER, [report], () => answer(state));
    await step("root", BROWSER, [report, ["chain", "the tokenURI is not known"]], () => root(state));
  } else {
    for (const key of ["report", "digest", "committee", "signatures", "answer", "root", "recipe", "render"]) {
      note(key, { state: "none", by: BROWSER, told: "Not yet: the token shows its edition's placeholder until it is painted." });
    }
  }
  await step("path", BROWSER, [], () => path(state));
  await step("metadata", BROWSER, [["path", "the way to it does not hold"]], () => metadata(state));
  if (state.repaint) await step("recipe", BROWSER, [["metadata", "the metadata is not known"]], () => recipe(state));
  await step("picture", BROWSER, [["metadata", "the metadata does not hold"]], () => picture(state));
  if (state.repaint) note("render", { state: "elsewhere", by: "command", told: "A browser does not run the model. The command on this page paints it again and compares every byte." });
  return state;
}

async function chain(state) {
  const { collection, token, source } = state;
  const edition = BigInt(token) / 1_000_000n;
  let life;
  try {
    life = await source.json(`/api/editions/${collection}/${edition}/tokens/${token}`);
  } catch (error) {
    throw new Untold(error.status === 404 ? "This node shows no such token." : "This node does not answer.");
  }
  const view = life.edition;
  const repaints = view.history;
  const newest = repaints.length ? repaints[repaints.length - 1] : null;
  const chosen = state.checkpoint === null ? newest : (repaints.find((one) => String(one.checkpoint) === state.checkpoint) ?? null);
  if (state.checkpoint !== null && !chosen) throw new Untold("The edition was not repainted at that checkpoint, as far as this node knows.");
  Object.assign(state, { life, view, repaint: chosen, past: chosen !== newest, painted: chosen !== null });
  const folder = view.total > SUPPLY_OF_ONE_FOLDER ? `${Math.floor((Number(BigInt(token) % 1_000_000n) - 1) / SUPPLY_OF_ONE_FOLDER)}/` : "";
  state.folder = folder;
  let uri = `${state.past ? `ipfs://${chosen.root}/` : view.token_uri_prefix}${folder}${token}.json`;
  const details = [];
  if (source.endpoint) {
    try {
      const [number, told] = await Promise.all([source.endpoint.chainId(), source.endpoint.token(collection, token)]);
      state.oracle = told.oracle;
      if (number !== view.chain_id) throw new Wrong(`Your endpoint is of chain ${number}, this node's editions are on chain ${view.chain_id}.`);
      if (!state.past && told.uri !== uri) throw new Wrong(`Your endpoint says that tokenURI is ${told.uri.slice(0, 200)}; this node says ${uri}.`);
      if (!state.past) uri = told.uri;
    } catch (error) {
      if (error instanceof Wrong) throw error;
      throw new Untold(`Your endpoint could not be asked (${error.message}). It has to allow pages of other sites (CORS).`);
    }
  }
  state.uri = uri;
  details.push(["Chain", String(view.chain_id)], ["Collection", collection], ["Token", token], ["tokenURI", uri]);
  const was = state.past ? "It named this content after the repaint that you look at; it names newer content now." : "";
  return { told: `${life.edition.tokens[0].name}: tokenURI names ${shortUri(uri)}. ${was}`.trim(), details };
}

const shortUri = (uri) => (uri.length > 60 ? `${uri.slice(0, 24)}…${uri.slice(-22)}` : uri);

async function reported(state) {
  const { view, repaint, source } = state;
  const where = `/api/editions/${view.collection}/${view.edition}/reports/${repaint.checkpoint}`;
  const proof = (state.proof = await source.json(where).catch(() => null));
  if (!proof) throw new Untold("This node does not hand out the report.");
  if (source.endpoint) {
    let event;
    try {
      event = await source.endpoint.reported(proof.tx, state.oracle ?? proof.oracle, proof.feed, proof.checkpoint);
    } catch (error) {
      throw new Untold(`Your endpoint could not be asked (${error.message}).`);
    }
    if (!event) throw new Wrong("Your endpoint knows no such event of the collection's oracle in that transaction.");
    for (const [field, value] of Object.entries(event)) {
      if (String(proof[field]).toLowerCase() !== String(value).toLowerCase()) {
        throw new Wrong(`Your endpoint says that the event's ${field.replaceAll("_", " ")} is ${value}; this node says ${proof[field]}.`);
      }
    }
    if (state.oracle && state.oracle.toLowerCase() !== proof.oracle.toLowerCase()) throw new Wrong("The report is of another oracle than the collection's.");
  }
  return {
    told: `Feed ${proof.feed}, checkpoint ${group(proof.checkpoint)}, in block ${group(proof.block)}, sent by ${proof.transmitter}.`,
    details: [["Oracle", proof.oracle], ["Transaction", proof.tx], ["Digest", proof.report_digest], ["Content root", proof.content_root], ["Configuration", proof.config_digest]],
  };
}

async function digest({ proof }) {
  if (!proof.message) {
    throw new Untold(
      proof.road === "votes"
        ? "This report landed by votes on chain, one transaction each: there is nothing signed beside them. The command on this page checks the votes."
        : "This report came through another contract, which has its signatures. The command on this page looks for them there.",
    );
  }
  const found = toHex(reportDigest(proof));
  const details = [["Computed here", found], ["Named by the event", proof.report_digest], ...Object.entries(proof.message).map(([name, value]) => [name, [value].flat().join(", ")])];
  if (found !== proof.report_digest) throw Object.assign(new Wrong(`The report's fields hash to ${found}, the event names ${proof.report_digest}.`), { details });
  if (proof.message.feed !== String(proof.feed) || proof.message.checkpoint !== String(proof.checkpoint)) throw new Wrong("The report is of another feed or checkpoint.");
  return { told: "Domain and report, hashed here, give the digest that the event names.", details };
}

async function committee({ proof }) {
  if (!proof.members.length) throw new Untold("This node does not know who sat in the committee then. The command on this page asks the chain.");
  const found = toHex(configDigest(proof));
  const details = [["Computed here", found], ["Named by the event", proof.config_digest], ...proof.members.map((member, index) => [`Seat ${index + 1}`, member])];
  if (found !== proof.config_digest) throw Object.assign(new Wrong("These members do not hash to the configuration that the event names."), { details });
  return { told: `${proof.members.length} members, ${quorumOf(proof.members.length)} of them a quorum.`, details };
}

async function signatures({ proof }) {
  const places = bits(proof.signers);
  const quorum = quorumOf(proof.members.length);
  if (places.length !== quorum || proof.signatures.length !== quorum) throw new Wrong(`${proof.signatures.length} signatures of ${places.length} members; a quorum is ${quorum}.`);
  const digestBytes = fromHex(proof.report_digest, 32);
  const details = [];
  const wrong = [];
  for (const [index, place] of places.entries()) {
    await new Promise((rest) => setTimeout(rest)); // the page stays alive in between
    const member = proof.members[place];
    let signer;
    try {
      signer = recover(digestBytes, fromHex(proof.signatures[index], 64));
    } catch (error) {
      signer = `no signature at all (${error.message})`;
    }
    const right = signer === member?.toLowerCase();
    details.push([`Seat ${place + 1}`, right ? `${member}, recovered from its signature` : `${member ?? "nobody"}, but the signature is by ${signer}`]);
    if (!right) wrong.push(place + 1);
  }
  if (wrong.length) throw Object.assign(new Wrong(`The signature in the place of seat ${wrong.join(", ")} is not by that member.`), { details });
  return { told: `${quorum} signatures, each recovered here to the member in its place: a quorum.`, details };
}

async function answer({ proof }) {
  if (!proof.message) throw new Untold("What each voter observed stands in its own transaction. The command on this page reads them.");
  const observed = proof.message.observations;
  const observers = bits(proof.message.observers);
  if (observers.length !== observed.length || observed.length < quorumOf(proof.members.length || 1)) throw new Wrong(`${observed.length} observations by ${observers.length} observers.`);
  if (observers.some((place) => proof.members.length && place >= proof.members.length)) throw new Wrong("An observer is no member.");
  if (observed.some((value, index) => index && BigInt(value) < BigInt(observed[index - 1]))) throw new Wrong("The observations are not in ascending order.");
  const middle = median(observed);
  if (middle !== BigInt(proof.answer)) throw new Wrong(`The median of what was observed is ${percent(middle)}, the event says ${percent(proof.answer)}.`);
  const band = nextBand(proof.answer, proof.previous_band, proof.thresholds, proof.hysteresis);
  const details = [["Observed", observed.map((value) => percent(value, 4)).join(", ")], ["Median", percent(middle, 4)], ["Thresholds", proof.thresholds.map((edge) => percent(edge)).join(", ")], ["Hysteresis", percent(proof.hysteresis, 2, false)]];
  if (band !== proof.band) throw Object.assign(new Wrong(`By the policy the band goes from ${proof.previous_band + 1} to ${band + 1}, the event says ${proof.band + 1}.`), { details });
  const moved = band === proof.previous_band ? `stays ${band + 1}` : `goes from ${proof.previous_band + 1} to ${band + 1}`;
  return { told: `${observed.length} nodes observed; the median is ${percent(middle)}, and by the policy the band ${moved}. The policy is this node's word.`, details };
}

async function root(state) {
  const { proof, uri, folder, token } = state;
  const signedRoot = makeCid(DAG_PB, fromHex(proof.message ? proof.message.contentRoot : proof.content_root, 32));
  if (proof.message && proof.message.contentRoot !== proof.content_root) throw new Wrong("The signed content root is not the one that the event names.");
  const wanted = `ipfs://${signedRoot.text}/${folder}${token}.json`;
  if (uri !== wanted) throw new Wrong(`The report dictates ${wanted}, the tokenURI is ${uri}.`);
  return { told: "The report's root, written as a CID, is the one in the tokenURI.", details: [["Root", proof.content_root], ["As a CID", signedRoot.text]] };
}

async function path(state) {
  const segments = state.uri.replace("ipfs://", "").split("/");
  const fetchBlock = (cid) => state.source.block(cid);
  let here = parseCid(segments[0]);
  const details = [["Root", here.text]];
  let links = [];
  for (const segment of segments.slice(1)) {
    links = await told(() => directory(here, fetchBlock));
    here = entry(links, segment);
    details.push([segment, here.text]);
  }
  state.document = here;
  if (state.repaint) {
    state.image = entry(links, `${state.token}.png`);
    details.push([`${state.token}.png`, state.image.text]);
  }
  const walked = segments.length - 1;
  return { told: `${walked} director${walked === 1 ? "y" : "ies"}, hashed here; the entries are found.`, details };
}

async function metadata(state) {
  const { bytes } = await told(() => file(state.document, (cid) => state.source.block(cid)));
  let found;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Wrong("The metadata is no JSON.");
  }
  const image = String(found.image).replace(/^ipfs:\/\//, "");
  const details = [["Name", String(found.name)], ["Image", String(found.image)]];
  state.named = found;
  if (!state.repaint) {
    state.image = parseCid(image);
    return { told: "A placeholder's, with its hash.", details };
  }
  if (image !== state.image.text) throw new Wrong(`The metadata names another picture (${image}) than the directory.`);
  const { proof, view } = state;
  const says = found.patina ?? {};
  const dictated = [
    ["chain_id", String(view.chain_id)],
    ["collection", view.collection],
    ["token_id", state.token],
    ["edition", String(view.edition)],
    ...(proof ? [["feed", String(proof.feed)], ["checkpoint", String(proof.checkpoint)], ["band", proof.band]] : []),
    ...(proof?.message ? [["block_hash", proof.message.blockHash]] : []),
  ];
  for (const [name, value] of dictated) {
    details.push([name, String(says[name])]);
    if (String(says[name]).toLowerCase() !== String(value).toLowerCase()) throw Object.assign(new Wrong(`The metadata says ${name} ${says[name]}, what was agreed upon is ${value}.`), { details });
  }
  const signals = (says.signals ?? []).map((signal) => String(signal.value));
  if (proof?.message && signals.join() !== proof.message.signals.join()) throw new Wrong("The metadata's signals are not those of the report.");
  return { told: `Hashed here. Collection, token, checkpoint, band${proof?.message ? ", block and signals" : ""} are as they were agreed upon.`, details };
}

async function recipe(state) {
  const cid = parseCid(String(state.named.patina?.recipe));
  const bytes = await told(() => block(cid, (text) => state.source.block(text)));
  if (cid.text !== state.view.recipe) throw new Wrong(`The metadata names recipe ${cid.text}, the edition ${state.view.recipe}.`);
  return { told: `${group(bytes.length)} bytes, hashed here. That the edition was opened with it is this node's word.`, details: [["Recipe", cid.text]] };
}

async function picture(state) {
  const { bytes, blocks } = await told(() => file(state.image, (cid) => state.source.block(cid)));
  state.picture = bytes;
  const png = same(bytes.subarray(0, 4), Uint8Array.of(0x89, 0x50, 0x4e, 0x47));
  if (state.repaint && !png) throw new Wrong("The picture is no PNG.");
  state.kind = png ? "image/png" : "image/svg+xml";
  return { told: `${group(bytes.length)} bytes in ${blocks} block${blocks === 1 ? "" : "s"}, hashed here.`, details: [["Picture", state.image.text]] };
}

/** Blocks that do not come are no lie; blocks that come with other bytes are. */
async function told(read) {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ContentError) throw error;
    throw new Untold("This node does not have all the blocks that it takes.");
  }
}
