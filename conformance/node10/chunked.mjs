// Upload sessions.

import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { commit, isFile, isPart, listParts, putPart, range, refused } from './box.mjs';
import {
  bigBytes, bytesOf, check, digestOf, hex, inParallel, mediumBytes, sameBytes, shuffled, slots, Source,
} from './check.mjs';

const width = 4; // parts in flight

export async function chunked(client, folder, work) {
  const { chunkedUploads, downloads } = client;

  const open = (source, name = source.name) =>
    chunkedUploads.createFileUploadSession({ folderId: folder.id, fileName: name, fileSize: source.size });
  const openVersion = (file, source) =>
    chunkedUploads.createFileUploadSessionForExistingFile(file.id, { fileSize: source.size, fileName: file.name });
  const putAll = (session, source, order = slots(source.size, session.partSize)) =>
    inParallel(width, order, (slot) => putPart(client, session, source, slot));
  const stored = async (file, source) => source.equals(await downloads.downloadFile(file.id));
  const uploaded = async (source, name) => {
    const session = await open(source, name);
    return commit(client, session, source, await putAll(session, source));
  };

  const medium = await Source.make(work, 'medium.bin', mediumBytes);
  const least = await Source.make(work, 'least.bin', 20_000_000); // the smallest that a session takes: three parts
  const even = await Source.make(work, 'even.bin', 24 * 2 ** 20); // three whole parts

  await check('a session as created and as asked for', async () => {
    const begun = Date.now();
    const session = await open(medium, 'session.bin');
    assert.match(session.id, /^[0-9A-F]{32}$/);
    assert.equal(session.type, 'upload_session');
    assert.equal(session.partSize, 8 * 2 ** 20);
    assert.equal(session.totalParts, 5);
    assert.equal(session.numPartsProcessed, 0);
    assert.match(session.rawData.session_expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const days = (session.sessionExpiresAt.value - begun) / 86_400_000;
    assert.ok(Math.abs(days - 7) < 0.01, `expires after ${days} days`);
    const { session_endpoints: endpoints } = session.rawData;
    assert.deepEqual(
      Object.keys(endpoints).sort(),
      ['abort', 'commit', 'list_parts', 'log_event', 'plan', 'status', 'upload_part'],
    );
    for (const endpoint of Object.values(endpoints)) assert.match(endpoint, /^https?:\/\/.*\/files\/upload_sessions\//);
    assert.deepEqual((await chunkedUploads.getFileUploadSessionById(session.id)).rawData, session.rawData);
    await chunkedUploads.deleteFileUploadSessionByUrl(session.sessionEndpoints.abort);
  });

  await check('a file below the minimum: 400 file_size_too_small', async () => {
    await refused(
      chunkedUploads.createFileUploadSession({ folderId: folder.id, fileName: 'tiny', fileSize: 19_999_999 }),
      400,
      'file_size_too_small',
    );
  });

  await check('parts in random order, several at once', async () => {
    const session = await open(medium, 'random.bin');
    const order = shuffled(slots(medium.size, session.partSize));
    const early = order.slice(0, 3);
    await putAll(session, medium, early);

    const offsets = early.map((slot) => slot.offset).sort((a, b) => a - b);
    assert.deepEqual((await listParts(client, session)).map((part) => part.offset), offsets);
    assert.equal((await chunkedUploads.getFileUploadSessionById(session.id)).numPartsProcessed, 3);
    for (const slot of order) {
      const queryParams = { offset: slot.index, limit: 1 };
      const { entries } = await chunkedUploads.getFileUploadSessionParts(session.id, { queryParams });
      // Asked for one slot, the server gives that part or nothing.
      assert.deepEqual(
        entries.map((part) => part.offset),
        early.includes(slot) ? [slot.offset] : [],
        `part ${slot.index} of ${offsets}`,
      );
    }

    await putAll(session, medium, order.slice(3));
    const parts = await listParts(client, session, 2);
    assert.deepEqual(parts.map((part) => part.offset), slots(medium.size, session.partSize).map((slot) => slot.offset));
    assert.equal((await chunkedUploads.getFileUploadSessionById(session.id)).numPartsProcessed, 5);
    const file = await commit(client, session, medium, parts);
    assert.equal(file.name, 'random.bin');
    assert.equal(file.parent.id, folder.id);
    await stored(file, medium);
  });

  await check('the URLs of session_endpoints', async () => {
    const session = await open(least, 'endpoints.bin');
    const at = session.sessionEndpoints;
    for (const slot of slots(least.size, session.partSize)) {
      const bytes = await least.read(slot.offset, slot.length);
      const headers = { digest: digestOf(bytes), contentRange: range(slot, least.size) };
      const { part } = await chunkedUploads.uploadFilePartByUrl(at.uploadPart, Readable.from(bytes), headers);
      isPart(part, slot, bytes);
    }
    assert.equal((await chunkedUploads.getFileUploadSessionByUrl(at.status)).numPartsProcessed, 3);
    const { entries } = await chunkedUploads.getFileUploadSessionPartsByUrl(at.listParts);
    const log = await client.makeRequest({
      url: at.logEvent,
      method: 'POST',
      data: { event_type: 'part_failure', event_info: '{"message":"made up"}' },
      responseFormat: 'no_content',
    });
    assert.equal(log.status, 204);
    const files = await chunkedUploads.createFileUploadSessionCommitByUrl(
      at.commit,
      { parts: entries },
      { digest: least.digest },
    );
    isFile(files.entries[0], least);
    await chunkedUploads.deleteFileUploadSessionByUrl(at.abort);
    await stored(files.entries[0], least);
  });

  await check('the same part again: the same answer', async () => {
    const session = await open(least, 'again.bin');
    const [slot] = slots(least.size, session.partSize);
    const first = await putPart(client, session, least, slot);
    assert.deepEqual(await putPart(client, session, least, slot), first);
    const twice = await Promise.all([putPart(client, session, least, slot), putPart(client, session, least, slot)]);
    assert.deepEqual(twice, [first, first]);
    assert.equal((await chunkedUploads.getFileUploadSessionById(session.id)).numPartsProcessed, 1);
  });

  await check('one new part from four requests at once', async () => {
    const session = await open(least, 'race.bin');
    const slot = slots(least.size, session.partSize)[1];
    const parts = await Promise.all(Array.from({ length: 4 }, () => putPart(client, session, least, slot)));
    for (const part of parts) assert.deepEqual(part, parts[0]);
    assert.deepEqual((await listParts(client, session)).map((part) => part.partId), [parts[0].partId]);
  });

  await check('parts that must be refused', async () => {
    const session = await open(even, 'refused.bin');
    const [slot] = slots(even.size, session.partSize);
    const put = (bytes, contentRange, digest = digestOf(bytes)) =>
      chunkedUploads.uploadFilePart(session.id, Readable.from(bytes), { digest, contentRange });
    const other = bytesOf('other', slot.length);

    await refused(put(other, range(slot, even.size), digestOf('else')), 400, 'digest_mismatch');
    const off = { offset: 4096, length: slot.length };
    await refused(put(other, range(off, even.size)), 416, 'range_not_satisfiable');
    await refused(put(other, range(slot, even.size + 1)), 416, 'range_not_satisfiable');
    await refused(put(other.subarray(1), range(slot, even.size)), 400, 'request_size_mismatch');
    await refused(put(other, 'bytes 0-/'), 400, 'bad_request');
    assert.deepEqual(await listParts(client, session), []);

    const part = await putPart(client, session, even, slot);
    const body = await refused(put(other, range(slot, even.size)), 416, 'range_overlaps_existing_part');
    assert.equal(body.context_info.conflicting_part.part_id, part.partId);
    assert.deepEqual(await listParts(client, session), [part]);
  });

  await check('commits that must be refused leave the session open', async () => {
    const session = await open(least, 'retried.bin');
    const parts = await putAll(session, least);
    const by = (body, digest) => chunkedUploads.createFileUploadSessionCommit(session.id, { parts: body }, { digest });
    await refused(by(parts.slice(1), least.digest), 400, 'parts_mismatch');
    await refused(by([...parts.slice(1), { ...parts[0], partId: '00000000' }], least.digest), 400, 'parts_mismatch');
    await refused(by(parts, digestOf('else')), 400, 'digest_mismatch');
    assert.equal((await chunkedUploads.getFileUploadSessionById(session.id)).numPartsProcessed, 3);
    await stored(await commit(client, session, least, parts), least);
  });

  await check('a commit whose answer was lost', async () => {
    const session = await open(even, 'twice.bin');
    const parts = await putAll(session, even);
    const file = await commit(client, session, even, parts);
    const again = await commit(client, session, even, parts);
    assert.deepEqual([again.id, again.fileVersion.id], [file.id, file.fileVersion.id]);
    assert.equal((await client.fileVersions.getFileVersions(file.id)).totalCount, 0);
  });

  await check('a session deleted after its commit', async () => {
    const session = await open(least, 'deleted.bin');
    const file = await commit(client, session, least, await putAll(session, least));
    await chunkedUploads.deleteFileUploadSessionById(session.id);
    await stored(file, least);
  });

  await check('a name taken before the commit: 409', async () => {
    const one = await open(least, 'first wins.bin');
    const two = await open(least, 'first wins.bin');
    const parts = await putAll(two, least);
    const file = await commit(client, one, least, await putAll(one, least));
    const by = chunkedUploads.createFileUploadSessionCommit(two.id, { parts }, { digest: least.digest });
    assert.equal((await refused(by, 409, 'item_name_in_use')).context_info.conflicts.id, file.id);
  });

  await check('an aborted session: 404', async () => {
    const session = await open(least, 'aborted.bin');
    const [slot] = slots(least.size, session.partSize);
    const part = await putPart(client, session, least, slot);
    await chunkedUploads.deleteFileUploadSessionById(session.id);
    const gone = {
      status: () => chunkedUploads.getFileUploadSessionById(session.id),
      parts: () => chunkedUploads.getFileUploadSessionParts(session.id),
      part: () => putPart(client, session, least, slot),
      commit: () =>
        chunkedUploads.createFileUploadSessionCommit(session.id, { parts: [part] }, { digest: least.digest }),
    };
    for (const call of Object.values(gone)) await refused(call(), 404, 'not_found');
    await chunkedUploads.deleteFileUploadSessionById(session.id);
    await refused(chunkedUploads.getFileUploadSessionById('0'.repeat(32)), 404, 'not_found');
    await refused(chunkedUploads.getFileUploadSessionById('not-an-id'), 400, 'invalid_upload_session_id');
  });

  await check('a version through a session', async () => {
    const old = await uploaded(medium, 'version.bin');
    const next = await Source.make(work, 'medium next', mediumBytes - 2_000_000);
    const session = await openVersion(old, next);
    const parts = await putAll(session, next, shuffled(slots(next.size, session.partSize)));
    const stale = chunkedUploads.createFileUploadSessionCommit(
      session.id,
      { parts },
      { digest: next.digest, ifMatch: '9' },
    );
    await refused(stale, 412, 'precondition_failed');
    const file = await commit(client, session, next, parts, { ifMatch: old.etag });
    assert.deepEqual([file.id, file.name, file.etag], [old.id, old.name, '1']);
    assert.equal(file.createdAt.value.getTime(), old.createdAt.value.getTime());
    const versions = await client.fileVersions.getFileVersions(file.id);
    assert.deepEqual(versions.entries.map((version) => [version.id, version.sha1]), [[old.fileVersion.id, old.sha1]]);
    await stored(file, next);
  });

  // SDK 10.12.0 has no method for plan yet, so the request is made with the
  // SDK's own client.makeRequest.
  const plan = async (session, source) => {
    const parts = [];
    for (const slot of slots(source.size, session.partSize)) {
      const sha512 = hex('sha512', await source.read(slot.offset, slot.length));
      parts.push({ offset: slot.offset, size: slot.length, sha512 });
    }
    const { data } = await client.makeRequest({
      url: session.rawData.session_endpoints.plan,
      method: 'POST',
      data: { parts },
    });
    assert.equal(data.upload_session_id, session.id);
    for (const hit of data.hits) assert.match(hit.part_id, /^[0-9A-F]{8}$/);
    const answered = [...data.hits, ...data.misses].sort((a, b) => a.offset - b.offset);
    assert.deepEqual(answered.map(({ offset, size, sha512 }) => ({ offset, size, sha512 })), parts);
    return data;
  };

  await check('a plan over the same content: every part a hit', async () => {
    const old = await uploaded(medium, 'planned.bin');
    const session = await openVersion(old, medium);
    const { hits, misses } = await plan(session, medium);
    assert.equal(misses.length, 0, `${misses.length} parts missed`);
    assert.equal(hits.length, 5);
    assert.equal((await chunkedUploads.getFileUploadSessionById(session.id)).numPartsProcessed, 5);
    const parts = hits.map((hit) => ({ partId: hit.part_id, offset: hit.offset, size: hit.size }));
    const file = await commit(client, session, medium, parts);
    assert.deepEqual([file.id, file.etag], [old.id, '1']);
    await stored(file, medium);
  });

  await check('a plan over content that changed: only that part is sent', async () => {
    const old = await uploaded(medium, 'edited.bin');
    const [, , slot] = slots(medium.size, 8 * 2 ** 20);
    const edit = bytesOf('edit', slot.length);
    const edited = await spliced(work, medium, slot.offset, edit);
    const session = await openVersion(old, edited);
    const { hits, misses } = await plan(session, edited);
    assert.deepEqual(misses.map((miss) => miss.offset), [slot.offset]);
    await putPart(client, session, edited, slot);
    const parts = await listParts(client, session);
    assert.deepEqual(
      hits.map((hit) => hit.part_id),
      parts.filter((part) => part.offset !== slot.offset).map((part) => part.partId),
    );
    const file = await commit(client, session, edited, parts);
    await stored(file, edited);
    const before = { queryParams: { version: old.fileVersion.id } };
    await medium.equals(await downloads.downloadFile(file.id, before));
  });

  const big = await Source.make(work, 'big.bin', bigBytes);
  let bigFile;

  await check('uploadBigFile', async () => {
    const stream = createReadStream(big.file, { highWaterMark: 2 ** 20 });
    bigFile = await chunkedUploads.uploadBigFile(stream, big.name, big.size, folder.id);
    isFile(bigFile, big);
    assert.equal(bigFile.name, big.name);
    assert.equal(bigFile.parent.id, folder.id);
    await stored(bigFile, big);
  });

  await check('a big version, parts in random order', async () => {
    const next = await Source.make(work, 'big next', bigBytes);
    const session = await openVersion(bigFile, next);
    await putAll(session, next, shuffled(slots(next.size, session.partSize)));
    const file = await commit(client, session, next, await listParts(client, session));
    assert.equal(file.id, bigFile.id);
    assert.equal(file.etag, '1');
    await stored(file, next);
    const length = 3 * 2 ** 20;
    const from = session.partSize - length / 2; // a range across two parts
    const headers = { range: `bytes=${from}-${from + length - 1}` };
    await sameBytes(await downloads.downloadFile(file.id, { headers }), await next.read(from, length));
  });
}

// spliced copies source and writes bytes into the copy at offset.
async function spliced(work, source, offset, bytes) {
  const copy = path.join(work, `${source.name} spliced`);
  await fs.copyFile(source.file, copy);
  const handle = await fs.open(copy, 'r+');
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
  return Source.at(copy);
}
