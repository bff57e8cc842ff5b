// Drives the Box Node SDK 3, unmodified, against a boxcar server with Box's
// default part sizes and limits. The environment is that of ../node10/run.mjs.

import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { connect, sdk, started } from './box.mjs';
import {
  bigBytes, check, digestOf, finish, mediumBytes, sameBytes, seed, setting, slots, Source,
} from '../node10/check.mjs';

const client = connect();
const work = setting('BOXCAR_WORK');

// refused waits for the call to fail with status and, if the SDK decodes the
// body of such an answer, with code. It returns that body.
async function refused(call, status, code) {
  const err = await call.then(() => assert.fail(`not refused; ${status} was expected`), (err) => err);
  assert.equal(err.statusCode, status, err.message);
  if (code) assert.equal(err.response.body.code, code, err.message);
  return err.response.body;
}

// isFile fails unless files is the answer to an upload of source.
function isFile(files, source) {
  assert.equal(files.total_count, 1);
  assert.equal(files.entries.length, 1);
  const [file] = files.entries;
  assert.equal(file.type, 'file');
  assert.match(file.id, /^[0-9]+$/);
  assert.equal(file.sha1, source.sha1, 'sha1 of the file');
  assert.equal(file.size, source.size, 'size of the file');
  return file;
}

const stored = async (file, source, options) => source.equals(await client.files.getReadStream(file.id, options));

console.log(`seed ${seed}`);
let folder;
await check('folders.create', async () => {
  folder = await client.folders.create('0', `node3 ${seed} ${process.pid}`);
});
if (!folder) finish();

const small = (name, size = 123_457) => Source.make(work, name, size);
const upload = async (source, name = source.name) =>
  isFile(await client.files.uploadFile(folder.id, name, await source.read(0, source.size)), source);

await check('users.get of the current user', async () => {
  const me = await client.users.get('me', { fields: 'login,enterprise' });
  assert.equal(me.type, 'user');
  assert.match(me.login, /@/);
  assert.match(me.enterprise.id, /^[0-9]+$/);
  assert.equal((await client.users.get(client.CURRENT_USER_ID)).id, me.id);
});

// Only a 401 without a body is an expired token to this SDK.
await check('a wrong token is an expired token', async () => {
  const err = await sdk
    .getBasicClient('no-such-token')
    .users.get('me')
    .then(() => assert.fail('a wrong token was accepted'), (err) => err);
  assert.equal(err.statusCode, 401);
  assert.equal(err.authExpired, true);
});

await check('folders.getItems', async () => {
  const parent = await client.folders.create(folder.id, 'listed');
  for (const name of ['c', 'a', 'b']) await client.folders.create(parent.id, name);
  const first = await client.folders.getItems(parent.id, { limit: 2, offset: 0, fields: 'name,size' });
  const rest = await client.folders.getItems(parent.id, { limit: 2, offset: 2 });
  assert.deepEqual([first.total_count, first.limit, first.offset], [3, 2, 0]);
  assert.deepEqual([...first.entries, ...rest.entries].map((entry) => entry.name), ['a', 'b', 'c']);
  assert.equal(first.entries[0].size, 0);
});

await check('folders.create of a name taken: 409 with an array', async () => {
  const taken = await client.folders.create(folder.id, 'taken');
  const body = await refused(client.folders.create(folder.id, 'TAKEN'), 409, 'item_name_in_use');
  assert.equal(body.context_info.conflicts[0].id, taken.id);
});

await check('files.preflightUploadFile', async () => {
  const answer = await client.files.preflightUploadFile(folder.id, { name: 'not there yet', size: 1000 });
  assert.match(answer.upload_url, /^https?:\/\/.*\/files\/content$/);
});

await check('files.preflightUploadNewFileVersion of the same name', async () => {
  const file = await upload(await small('preflight.bin'));
  const answer = await client.files.preflightUploadNewFileVersion(file.id, { name: file.name, size: 1000 });
  assert.match(answer.upload_url, new RegExp(`^https?://.*/files/${file.id}/content$`));
});

await check('files.uploadFile of a buffer, and files.getReadStream', async () => {
  const source = await small('plain.bin');
  const file = await upload(source);
  assert.equal(file.name, source.name);
  assert.equal(file.parent.id, folder.id);
  await stored(file, source);
});

await check('files.uploadFile of a stream, with its times', async () => {
  const source = await small('stream.bin', 3_000_001);
  const times = { content_created_at: '2011-02-03T04:05:06Z', content_modified_at: '2012-02-03T04:05:06+03:00' };
  const body = createReadStream(source.file);
  const file = isFile(await client.files.uploadFile(folder.id, source.name, body, times), source);
  assert.equal(Date.parse(file.content_created_at), Date.parse(times.content_created_at));
  assert.equal(Date.parse(file.content_modified_at), Date.parse(times.content_modified_at));
  await stored(file, source);
});

await check('files.uploadFile of a name taken: 409 with an object', async () => {
  const file = await upload(await small('unique.bin'));
  const body = await refused(
    client.files.uploadFile(folder.id, 'Unique.bin', Buffer.from('x')),
    409,
    'item_name_in_use',
  );
  assert.equal(body.context_info.conflicts.id, file.id);
  const preflight = client.files.preflightUploadFile(folder.id, { name: 'unique.bin', size: 1 });
  assert.equal((await refused(preflight, 409, 'item_name_in_use')).context_info.conflicts.id, file.id);
});

await check('files.uploadNewFileVersion and files.getVersions', async () => {
  const [first, second, third] = [await small('v1'), await small('v2', 70_001), await small('v3', 80_001)];
  const old = await upload(first, 'versions.bin');
  // Without options this SDK sends no attributes at all, only the content.
  const next = isFile(await client.files.uploadNewFileVersion(old.id, await second.read(0, second.size)), second);
  assert.deepEqual([next.id, next.name, next.etag], [old.id, 'versions.bin', '1']);
  const last = isFile(
    await client.files.uploadNewFileVersion(old.id, createReadStream(third.file), { name: 'renamed.bin' }),
    third,
  );
  assert.deepEqual([last.id, last.name], [old.id, 'renamed.bin']);
  const { total_count: count, entries } = await client.files.getVersions(old.id);
  assert.equal(count, 2);
  assert.deepEqual(entries.map((version) => version.sha1), [second.sha1, first.sha1]);
  await stored(last, third);
  await stored(last, first, { version: old.file_version.id });
});

await check('files.getDownloadURL needs a 302', async () => {
  const source = await small('linked.bin');
  const file = await upload(source);
  const link = await client.files.getDownloadURL(file.id);
  assert.match(link, /^https?:\/\//);
  const plain = await fetch(link); // without the token
  assert.equal(plain.status, 200);
  await source.equals(plain.body);
  await refused(client.files.getDownloadURL('990017'), 404, 'not_found');
});

await check('files.getReadStream of a range', async () => {
  const source = await small('ranged.bin');
  const file = await upload(source);
  const stream = await client.files.getReadStream(file.id, { byteRange: [1000, 2999] });
  await sameBytes(stream, await source.read(1000, 2000));
});

await check('files.delete and trash.get', async () => {
  const file = await upload(await small('trashed.bin'));
  await client.files.delete(file.id);
  const trashed = await client.files.getTrashedFile(file.id);
  assert.equal(trashed.item_status, 'trashed');
  const { entries } = await client.trash.get({ limit: 1000 });
  assert.ok(entries.some((entry) => entry.id === file.id), 'not listed in the trash');
});

const medium = await Source.make(work, 'medium.bin', mediumBytes);

await check('files.createUploadSession of a name taken: 409 with an object', async () => {
  const file = await upload(await small('session.bin'));
  const call = client.files.createUploadSession(folder.id, 20_000_000, 'session.bin');
  assert.equal((await refused(call, 409, 'item_name_in_use')).context_info.conflicts.id, file.id);
  const tiny = client.files.createUploadSession(folder.id, 19_999_999, 'tiny.bin');
  await refused(tiny, 400, 'file_size_too_small');
});

// A commit without a list of parts makes the SDK ask the server for them.
await check('files.uploadPart, and a commit of the parts that the server lists', async () => {
  const session = await client.files.createUploadSession(folder.id, medium.size, 'manual.bin');
  for (const slot of slots(medium.size, session.part_size).reverse()) {
    const bytes = await medium.read(slot.offset, slot.length);
    const { part } = await client.files.uploadPart(session.id, bytes, slot.offset, medium.size);
    assert.equal(part.offset, slot.offset);
    assert.equal(`sha=${Buffer.from(part.sha1, 'hex').toString('base64')}`, digestOf(bytes));
  }
  const status = await client.files.getUploadSession(session.id);
  assert.equal(status.num_parts_processed, status.total_parts);
  const hash = medium.digest.replace('sha=', '');
  const attributes = { description: 'by hand', content_modified_at: '2012-02-03T04:05:06+03:00' };
  const file = isFile(await client.files.commitUploadSession(session.id, hash, attributes), medium);
  assert.equal(file.description, 'by hand');
  assert.equal(Date.parse(file.content_modified_at), Date.parse('2012-02-03T01:05:06Z'));
  await client.files.abortUploadSession(session.id); // after a commit: nothing happens
  await stored(file, medium);
});

await check('files.uploadPart of other bytes: 416', async () => {
  const session = await client.files.createUploadSession(folder.id, medium.size, 'overlap.bin');
  const bytes = await medium.read(0, session.part_size);
  const first = await client.files.uploadPart(session.id, bytes, 0, medium.size);
  assert.deepEqual(await client.files.uploadPart(session.id, bytes, 0, medium.size), first);
  bytes[0] ^= 1;
  // The SDK leaves the body of this answer undecoded.
  const body = await refused(client.files.uploadPart(session.id, bytes, 0, medium.size), 416);
  assert.equal(JSON.parse(body).code, 'range_overlaps_existing_part');
});

const parallelism = 4;
const big = await Source.make(work, 'big.bin', bigBytes);
let bigFile;

await check('files.getChunkedUploader of a stream', async () => {
  const stream = createReadStream(big.file);
  const fileAttributes = { description: 'in parts' };
  const uploader = await client.files.getChunkedUploader(folder.id, big.size, big.name, stream, {
    parallelism,
    fileAttributes,
  });
  bigFile = isFile(await started(uploader), big);
  assert.equal(bigFile.name, big.name);
  assert.equal(bigFile.description, 'in parts');
  await stored(bigFile, big);
});

await check('files.getNewVersionChunkedUploader of a buffer', async () => {
  const next = await Source.make(work, 'big next', bigBytes);
  const bytes = await next.read(0, next.size);
  const uploader = await client.files.getNewVersionChunkedUploader(bigFile.id, next.size, bytes, { parallelism });
  const file = isFile(await started(uploader), next);
  assert.deepEqual([file.id, file.name, file.etag], [bigFile.id, big.name, '1']);
  await stored(file, next);
  const { entries } = await client.files.getVersions(file.id);
  assert.deepEqual(entries.map((version) => version.sha1), [big.sha1]);
});

await check('ChunkedUploader.abort in the middle', async () => {
  const uploader = await client.files.getChunkedUploader(
    folder.id,
    medium.size,
    'aborted.bin',
    await medium.read(0, medium.size),
    { parallelism: 2 },
  );
  await new Promise((resolve, reject) => {
    uploader.once('chunkUploaded', resolve);
    uploader.on('chunkError', reject);
    uploader.start();
  });
  await uploader.abort();
  await refused(client.files.getUploadSession(uploader._sessionID), 404, 'not_found');
  await client.files.abortUploadSession(uploader._sessionID); // again: nothing happens
});

await check('folders.delete', async () => {
  await client.folders.delete(folder.id, { recursive: true });
  await refused(client.folders.get(folder.id), 404);
});
finish();
