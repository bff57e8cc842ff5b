// What the suites of one area share: each is a program of its own, which
// connects, makes a folder to work in, and ends with the count of its checks.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { createNull } from 'box-node-sdk/internal/utils';
import { connect } from './box.mjs';
import { bytesOf, check, finish, hex, seed } from './check.mjs';

// area runs body with the administrator's client and a folder of its own.
export async function area(name, body) {
  console.log(`seed ${seed}`);
  const client = connect();
  let folder;
  await check(`${name}: a folder to work in`, async () => {
    folder = await client.folders.createFolder({ name: `node10 ${name} ${seed} ${process.pid}`, parent: { id: '0' } });
  });
  if (folder) await body(client, folder);
  finish();
}

// nothing is what the SDK sends as a JSON null: undefined is left out.
export const nothing = createNull();

// time is the SDK's own wrapper of a date.
export const time = (text) => ({ value: new Date(text) });

// seconds are those of a time that the SDK decoded.
export const seconds = (time) => time.value.getTime() / 1000;

export const ids = (page) => page.entries.map((entry) => entry.id);
export const names = (page) => page.entries.map((entry) => entry.name);

// wait sleeps until the server's clock, which counts whole seconds, has moved.
export const tick = () => new Promise((done) => setTimeout(done, 1100));

// pause waits ms.
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// until repeats ask until it answers something true.
export async function until(what, ask, limit = 15_000) {
  for (const end = Date.now() + limit; ; await pause(100)) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < end, `${what}: not within ${limit} ms`);
  }
}

export const mkdir = (client, parent, name) => client.folders.createFolder({ name, parent: { id: parent.id } });

// put uploads bytes and returns the file.
export async function put(client, parent, name, bytes = bytesOf(name, 1000)) {
  const files = await client.uploads.uploadFile({
    attributes: { name, parent: { id: parent.id } },
    file: Readable.from([Buffer.from(bytes)]),
  });
  assert.equal(files.totalCount, 1, 'total_count of an upload');
  const [file] = files.entries;
  assert.deepEqual([file.name, file.sha1, file.size], [name, hex('sha1', bytes), bytes.length]);
  return file;
}

// putVersion uploads a new version and returns the file.
export async function putVersion(client, file, bytes, headers = {}, attributes = { name: file.name }) {
  const body = { attributes, file: Readable.from([Buffer.from(bytes)]) };
  const { entries } = await client.uploads.uploadFileVersion(file.id, body, { headers });
  assert.equal(entries[0].sha1, hex('sha1', bytes), 'sha1 of the version');
  return entries[0];
}

// read returns all of a stream.
export async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const download = async (client, file, options) => read(await client.downloads.downloadFile(file.id, options));

// pages walks a listing by its markers and returns the pages.
export async function pages(list, limit) {
  const all = [];
  for (let marker; ; marker = all.at(-1).nextMarker) {
    all.push(await list({ usemarker: true, limit, marker }));
    assert.ok(all.length < 100, 'the markers do not end');
    assert.notEqual(all.at(-1).nextMarker, '', 'an empty next_marker');
    if (!all.at(-1).nextMarker) return all;
  }
}

// newUser makes a user of the enterprise and the client that acts as them.
export async function newUser(client, name) {
  const user = await client.users.createUser({ name, login: `${name}.${seed}.${process.pid}@example.com`.toLowerCase() });
  return { user, as: client.withAsUserHeader(user.id) };
}

// notModified fails unless what ask asks for is answered 304 without a body,
// which the SDK takes for a redirect that it cannot follow.
export async function notModified(client, ask) {
  let seen;
  const watching = client.withInterceptors([
    { beforeRequest: (options) => options, afterRequest: (response) => (seen = response) },
  ]);
  await assert.rejects(ask(watching), /Unable to follow redirect/);
  assert.deepEqual([seen.status, seen.data], [304, undefined]);
}

// keysOf fails unless object has exactly these keys.
export function keysOf(object, keys, what) {
  assert.deepEqual(Object.keys(object).sort(), [...keys].sort(), what);
}
