// The official SDK, pointed at a boxcar server, and the few steps that
// run.mjs, start.mjs and resume.mjs share.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { BoxClient, BoxDeveloperTokenAuth } from 'box-node-sdk';
import { BoxApiError } from 'box-node-sdk/box';
import { BoxRetryStrategy, NetworkSession } from 'box-node-sdk/networking';
import { digestOf, hex, token, url } from './check.mjs';

// connect makes a client as the SDK's documentation says. retries: false stops
// the SDK at the first failure; by default it tries five times, and three
// times when the connection fails.
export function connect({ as = token, retries = true } = {}) {
  const quick = new BoxRetryStrategy({ maxAttempts: 1, maxRetriesOnException: 0 });
  return new BoxClient({
    auth: new BoxDeveloperTokenAuth({ token: as }),
    networkSession: new NetworkSession(retries ? {} : { retryStrategy: quick }),
  }).withCustomBaseUrls({
    baseUrl: url,
    uploadUrl: `${url}/api`,
    oauth2Url: `${url}/api/oauth2`,
  });
}

// refused waits for the call to fail with status and code and returns the
// error's body as the SDK decoded it.
export async function refused(call, status, code) {
  const err = await call.then(
    () => assert.fail(`not refused; ${status} ${code} was expected`),
    (err) => err,
  );
  if (!(err instanceof BoxApiError)) throw err;
  const { statusCode, body, requestId } = err.responseInfo;
  assert.equal(`${statusCode} ${body?.code}`, `${status} ${code}`, err.message);
  assert.equal(body.type, 'error', 'type of the error');
  assert.equal(body.status, status, 'status in the body');
  assert.ok(body.message, 'no message');
  assert.ok(requestId, 'no request_id');
  return body;
}

// turnedDown waits for a call to fail whose error the SDK reads no body of:
// deletes and downloads.
export async function turnedDown(call, status) {
  const err = await call.then(
    () => assert.fail(`not refused; ${status} was expected`),
    (err) => err,
  );
  if (!(err instanceof BoxApiError)) throw err;
  assert.equal(err.responseInfo.statusCode, status, err.message);
}

// range describes a part to the SDK.
export const range = (slot, size) => `bytes ${slot.offset}-${slot.offset + slot.length - 1}/${size}`;

// putPart uploads one part of source by the session's id and returns the part.
export async function putPart(client, session, source, slot) {
  const bytes = await source.read(slot.offset, slot.length);
  const { part } = await client.chunkedUploads.uploadFilePart(session.id, Readable.from(bytes), {
    digest: digestOf(bytes),
    contentRange: range(slot, source.size),
  });
  isPart(part, slot, bytes);
  return part;
}

// isPart fails unless part is what the server must say of bytes at slot.
export function isPart(part, slot, bytes) {
  assert.match(part.partId, /^[0-9A-F]{8}$/);
  assert.equal(part.offset, slot.offset);
  assert.equal(part.size, bytes.length);
  assert.equal(part.sha1, hex('sha1', bytes));
}

// listParts reads all pages of the session's parts. The offset of a page is a
// part's index, not bytes.
export async function listParts(client, session, limit = 1000) {
  const parts = [];
  for (let offset = 0; ; offset += limit) {
    const page = await client.chunkedUploads.getFileUploadSessionParts(session.id, { queryParams: { offset, limit } });
    assert.equal(page.totalCount, session.totalParts, 'total_count of the parts');
    assert.equal(page.offset, offset, 'offset of the page');
    assert.equal(page.limit, limit, 'limit of the page');
    parts.push(...page.entries);
    if (offset + limit >= page.totalCount) return parts;
  }
}

// commit commits by the session's id and returns the file.
export async function commit(client, session, source, parts, headers = {}) {
  const files = await client.chunkedUploads.createFileUploadSessionCommit(
    session.id,
    { parts },
    { digest: source.digest, ...headers },
  );
  assert.equal(files.totalCount, 1);
  assert.equal(files.entries.length, 1);
  isFile(files.entries[0], source);
  return files.entries[0];
}

// isFile fails unless file is what the server must say of source.
export function isFile(file, source) {
  assert.equal(file.type, 'file');
  assert.match(file.id, /^[0-9]+$/);
  assert.equal(file.sha1, source.sha1, 'sha1 of the file');
  assert.equal(file.fileVersion.sha1, source.sha1, 'sha1 of the version');
  assert.equal(file.size, source.size, 'size of the file');
}
