// Finishes an upload that start.mjs began: asks the server which parts it has,
// uploads the others, commits, downloads and compares.
//
//   BOXCAR_SESSION   id of the session
//   BOXCAR_FILE      the file
//   BOXCAR_ACKED     offsets that were acknowledged, separated by spaces or
//                    commas; all of them must still be there
//   BOXCAR_PARALLEL  parts in flight, default 4
//
// stdout: "had N of M", "sent N", "file ID", "ok resume". Exit code 1 when
// anything differs; the reason is the last line, "FAIL resume: ...".

import assert from 'node:assert/strict';
import { commit, connect, isPart, listParts, putPart } from './box.mjs';
import { inParallel, setting, slots, Source, why } from './check.mjs';

const client = connect();
const source = await Source.at(setting('BOXCAR_FILE'));

try {
  const session = await client.chunkedUploads.getFileUploadSessionById(setting('BOXCAR_SESSION'));
  const all = slots(source.size, session.partSize);
  assert.equal(session.totalParts, all.length, 'parts of the session');

  const had = new Map((await listParts(client, session)).map((part) => [part.offset, part]));
  console.log(`had ${had.size} of ${all.length}`);
  assert.ok(session.numPartsProcessed <= had.size, `${session.numPartsProcessed} parts processed, ${had.size} listed`);
  for (const offset of setting('BOXCAR_ACKED', ' ').split(/[\s,]+/).filter(Boolean)) {
    assert.ok(had.has(Number(offset)), `the part at ${offset} was acknowledged and is lost`);
  }
  for (const slot of all.filter((slot) => had.has(slot.offset))) {
    isPart(had.get(slot.offset), slot, await source.read(slot.offset, slot.length));
  }

  const missing = all.filter((slot) => !had.has(slot.offset));
  await inParallel(Number(setting('BOXCAR_PARALLEL', 4)), missing, (slot) => putPart(client, session, source, slot));
  console.log(`sent ${missing.length}`);

  const parts = await listParts(client, session);
  assert.deepEqual(parts.map((part) => part.offset), all.map((slot) => slot.offset), 'offsets of the parts');
  const ready = await client.chunkedUploads.getFileUploadSessionById(session.id);
  assert.equal(ready.numPartsProcessed, all.length, 'num_parts_processed');
  const file = await commit(client, session, source, parts);
  console.log(`file ${file.id}`);
  await source.equals(await client.downloads.downloadFile(file.id));
  console.log('ok resume');
  process.exit(0);
} catch (err) {
  console.log(`FAIL resume: ${why(err)}`);
  process.exit(1);
}
