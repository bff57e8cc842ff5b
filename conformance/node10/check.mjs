// What the Node suites share and no SDK has a say in: settings, checks and
// their report, and files whose bytes follow from a seed. It imports nothing
// but Node, so that ../node3 can use it without this folder's SDK.

import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';

const MiB = 2 ** 20;

// setting returns an environment variable. Without a fallback it is required.
export function setting(name, fallback) {
  const value = process.env[name] || fallback;
  if (value === undefined) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
}

export const url = setting('BOXCAR_URL').replace(/\/+$/, '');
export const token = setting('BOXCAR_TOKEN');

// Sizes in bytes. The medium file has five parts of 8 MiB, the last one short.
export const bigBytes = Number(setting('BOXCAR_BIG_BYTES', 256 * MiB + 12345));
export const mediumBytes = 4 * 8 * MiB + 1_000_003;

// The seed decides the bytes of all files and the order of parts.
export const seed = Number(setting('BOXCAR_SEED', 1 + (Date.now() % 1_000_000)));

// An SDK that waits for an event that never comes would wait for ever.
const limitSeconds = Number(setting('BOXCAR_CHECK_SECONDS', 180));

let passed = 0;
let failed = 0;

// check runs one check and prints its line. Checks run one after another.
export async function check(name, body) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limitSeconds} s`)), limitSeconds * 1000);
  });
  try {
    await Promise.race([body(), late]);
    passed++;
    console.log(`ok ${name}`);
  } catch (err) {
    failed++;
    console.log(`FAIL ${name}: ${why(err)}`);
  } finally {
    clearTimeout(timer);
  }
}

// finish prints the summary and ends the process: sockets that an SDK keeps
// alive would hold it.
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}

// why is the error in one line, with the first line of this suite on its stack.
export function why(err) {
  const text = String(err?.message || err).replace(/\s*\n\s*/g, ' | ').slice(0, 600);
  const frame = /(\w+\.mjs:\d+):\d+\)?$/m.exec(String(err?.stack).replace(/.*node_modules.*|.*check\.mjs.*/g, ''));
  return frame ? `${text} (${frame[1]})` : text;
}

// bytesOf returns size bytes that look random and depend on name and seed only.
export function bytesOf(name, size) {
  return keystream(name).update(Buffer.alloc(size));
}

function keystream(name) {
  const key = createHash('sha256').update(`${seed} ${name}`).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
}

export const hex = (algorithm, bytes) => createHash(algorithm).update(bytes).digest('hex');

// digestOf is the value of a Digest header.
export const digestOf = (bytes) => 'sha=' + createHash('sha1').update(bytes).digest('base64');

// Source is a file on disk. sha1 is that of the whole file, in lower-case hex.
export class Source {
  constructor(file, size, sha1) {
    Object.assign(this, { file, size, sha1, name: path.basename(file) });
  }

  // make writes a file of bytesOf(name, size) into folder.
  static async make(folder, name, size) {
    const file = path.join(folder, name);
    const out = createWriteStream(file);
    const bytes = keystream(name);
    const sha1 = createHash('sha1');
    for (let left = size; left > 0; ) {
      const chunk = bytes.update(Buffer.alloc(Math.min(left, 4 * MiB)));
      sha1.update(chunk);
      if (!out.write(chunk)) await once(out, 'drain');
      left -= chunk.length;
    }
    out.end();
    await once(out, 'close');
    return new Source(file, size, sha1.digest('hex'));
  }

  // at opens a file that is already there.
  static async at(file) {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const sha1 = createHash('sha1');
      for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: MiB })) sha1.update(chunk);
      return new Source(file, size, sha1.digest('hex'));
    } finally {
      await handle.close();
    }
  }

  get digest() {
    return 'sha=' + Buffer.from(this.sha1, 'hex').toString('base64');
  }

  async read(offset, length) {
    const handle = await open(this.file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      assert.equal(bytesRead, length, `${this.file} is too short`);
      return buffer;
    } finally {
      await handle.close();
    }
  }

  // equals reads stream to its end and fails unless it is this file.
  async equals(stream) {
    const handle = await open(this.file);
    const sha1 = createHash('sha1');
    let offset = 0;
    try {
      for await (const chunk of stream) {
        sha1.update(chunk);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(chunk.length), 0, chunk.length, offset);
        const same = bytesRead === chunk.length && buffer.equals(chunk);
        assert.ok(same, `other bytes within ${chunk.length} of offset ${offset}`);
        offset += chunk.length;
      }
    } finally {
      await handle.close();
    }
    assert.equal(offset, this.size, 'bytes downloaded');
    assert.equal(sha1.digest('hex'), this.sha1, 'SHA-1 of the bytes downloaded');
  }
}

// sameBytes reads stream to its end and fails unless it is want.
export async function sameBytes(stream, want) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const got = Buffer.concat(chunks);
  assert.equal(got.length, want.length, 'bytes downloaded');
  assert.ok(got.equals(want), 'other bytes downloaded');
}

// slots cuts size bytes into parts.
export function slots(size, partSize) {
  const cut = [];
  for (let offset = 0; offset < size; offset += partSize) {
    cut.push({ index: cut.length, offset, length: Math.min(partSize, size - offset) });
  }
  return cut;
}

// shuffled returns the items in an order that the seed decides.
export function shuffled(items) {
  const random = bytesOf('order', 4 * items.length);
  return items
    .map((item, i) => ({ item, rank: random.readUInt32LE(4 * i) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

// inParallel runs work on every item, at most width at once. After the first
// failure nothing new is begun; it fails with that failure once all is quiet.
export async function inParallel(width, items, work) {
  const queue = [...items];
  const results = [];
  let failure;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (queue.length > 0 && !failure) {
        try {
          results.push(await work(queue.shift()));
        } catch (err) {
          failure ??= err;
        }
      }
    }),
  );
  if (failure) throw failure;
  return results;
}
