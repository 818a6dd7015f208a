// Reads CARs and walks the UnixFS trees in them, by other people's implementations of both.
// Standard input: {"read": [paths], "follow": [[path, file]], "write": {"from": path, "to": path}}; standard output: what was found, as JSON.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { CarBlockIterator, CarWriter } from '@ipld/car'
import * as dagPB from '@ipld/dag-pb'
import { exporter, recursive } from 'ipfs-unixfs-exporter'
import { sha256 } from 'multiformats/hashes/sha2'
import * as raw from 'multiformats/codecs/raw'

const codecs = { [dagPB.code]: dagPB, [raw.code]: raw }

async function load (path) {
  const car = await CarBlockIterator.fromIterable(createReadStream(path))
  const blocks = []
  for await (const { cid, bytes } of car) {
    const digest = await sha256.digest(bytes)
    if (Buffer.compare(Buffer.from(digest.bytes), Buffer.from(cid.multihash.bytes)) !== 0) {
      throw new Error(`${cid} does not hash to its name`)
    }
    // A canonical block is written again as the same bytes.
    const codec = codecs[cid.code]
    if (Buffer.compare(Buffer.from(codec.encode(codec.decode(bytes))), Buffer.from(bytes)) !== 0) {
      throw new Error(`${cid} is not in canonical form`)
    }
    blocks.push({ cid, bytes })
  }
  return { version: car.version, roots: await car.getRoots(), blocks }
}

function storeOf (blocks) {
  const held = new Map(blocks.map(({ cid, bytes }) => [cid.toString(), bytes]))
  return {
    has: cid => held.has(cid.toString()),
    async get (cid) {
      if (!held.has(cid.toString())) throw new Error(`${cid} is not in the CAR`)
      return held.get(cid.toString())
    }
  }
}

async function digestOf (entry) {
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of entry.content()) { hash.update(piece); size += piece.length }
  if (BigInt(size) !== BigInt(entry.size)) throw new Error(`${entry.path} says ${entry.size} bytes, has ${size}`)
  return hash.digest('hex')
}

async function files (root, blocks) {
  const store = storeOf(blocks)
  const found = {}
  for await (const entry of recursive(root, store)) {
    if (entry.type === 'directory') continue
    found[entry.path.split('/').slice(1).join('/')] = await digestOf(entry)
  }
  return found
}

// A file by its path from the first block on: what a CAR of a part of a tree proves.
async function follow (path, wanted) {
  const { blocks } = await load(path)
  return digestOf(await exporter(`${blocks[0].cid}/${wanted}`, storeOf(blocks)))
}

async function examine (path) {
  const { version, roots, blocks } = await load(path)
  const trees = {}
  for (const root of roots) {
    if (root.code !== dagPB.code) continue
    // A CAR of a part of a tree has no whole one in it.
    try { trees[root] = await files(root, blocks) } catch (error) { trees[root] = { error: error.message } }
  }
  return { version, roots: roots.map(String), blocks: blocks.map(({ cid }) => cid.toString()), trees }
}

async function rewrite (from, to) {
  const { roots, blocks } = await load(from)
  const { writer, out } = await CarWriter.create(roots)
  const written = pipeline(Readable.from(out), createWriteStream(to))
  for (const block of blocks.reverse()) await writer.put(block)
  await writer.close()
  await written
}

const wanted = JSON.parse(readFileSync(0, 'utf8'))
const told = {}
for (const path of wanted.read) told[path] = await examine(path)
for (const [path, name] of wanted.follow) {
  told[path] = { ...told[path], followed: { ...told[path].followed, [name]: await follow(path, name) } }
}
await rewrite(wanted.write.from, wanted.write.to)
process.stdout.write(JSON.stringify(told))
