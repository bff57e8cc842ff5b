// Uploads: preflight, simple, new versions, in parts.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { refused } from './box.mjs';
import { area, download, ids, keysOf, mkdir, put, putVersion, read, seconds, time } from './area.mjs';
import { bytesOf, check, hex } from './check.mjs';

await area('uploads', async (client, folder) => {
  const { uploads } = client;
  const parent = { id: folder.id };

  await check('uploads.preflightFileUploadCheck', async () => {
    const free = await uploads.preflightFileUploadCheck({ name: 'free.bin', size: 100, parent });
    assert.match(free.uploadUrl, /^https?:\/\/.*\/files\/content$/);
    const taken = await put(client, folder, 'taken.bin');
    const { conflicts } = (
      await refused(uploads.preflightFileUploadCheck({ name: 'Taken.BIN', size: 1, parent }), 409, 'item_name_in_use')
    ).context_info;
    assert.deepEqual([conflicts.type, conflicts.id, conflicts.sha1], ['file', taken.id, taken.sha1]);
    const dir = await mkdir(client, folder, 'a folder');
    const folderConflict = (
      await refused(uploads.preflightFileUploadCheck({ name: 'A folder', parent }), 409, 'item_name_in_use')
    ).context_info.conflicts;
    assert.deepEqual([folderConflict.type, folderConflict.id], ['folder', dir.id]);
    await refused(uploads.preflightFileUploadCheck({ name: 'a\\b', parent }), 400, 'item_name_invalid');
    await refused(uploads.preflightFileUploadCheck({ name: 'x'.repeat(256), parent }), 400, 'item_name_too_long');
    await refused(uploads.preflightFileUploadCheck({ name: 'x', parent: { id: '990017' } }), 404, 'not_found');
    assert.ok(!(await client.folders.getFolderItems(folder.id)).entries.some((entry) => entry.name === 'free.bin'));
  });

  await check('uploads.uploadFile', async () => {
    const bytes = bytesOf('simple', 54_321);
    const file = await put(client, folder, 'simple.bin', bytes);
    assert.deepEqual([file.type, file.etag, file.sequenceId, file.parent.id, file.itemStatus], ['file', '0', '0', folder.id, 'active']);
    assert.ok((await download(client, file)).equals(bytes));
  });

  await check('uploads.uploadFile: fields, Content-MD5, times', async () => {
    const bytes = bytesOf('dated', 99);
    const answer = await uploads.uploadFile(
      {
        attributes: {
          name: 'dated.bin', parent,
          contentCreatedAt: time('2001-02-03T04:05:06Z'), contentModifiedAt: time('2002-03-04T05:06:07Z'),
        },
        file: Readable.from([bytes]), fileFileName: 'irrelevant', fileContentType: 'text/plain',
      },
      {
        queryParams: { fields: ['content_created_at', 'content_modified_at', 'size'] },
        headers: { contentMd5: hex('sha1', bytes) },
      },
    );
    const { entries } = answer;
    // Mini and what is named.
    keysOf(
      answer.rawData.entries[0],
      ['type', 'id', 'etag', 'sequence_id', 'name', 'sha1', 'file_version', 'content_created_at', 'content_modified_at', 'size'],
    );
    assert.deepEqual(
      [seconds(entries[0].contentCreatedAt), seconds(entries[0].contentModifiedAt), entries[0].size],
      [Date.parse('2001-02-03T04:05:06Z') / 1000, Date.parse('2002-03-04T05:06:07Z') / 1000, 99],
    );
    const bad = uploads.uploadFile(
      { attributes: { name: 'bad.bin', parent }, file: Readable.from([bytes]) },
      { headers: { contentMd5: hex('sha1', 'other') } },
    );
    await refused(bad, 400, 'bad_digest');
  });

  await check('uploads.uploadFile: refusals', async () => {
    const up = (name, id = folder.id) =>
      uploads.uploadFile({ attributes: { name, parent: { id } }, file: Readable.from([Buffer.from('x')]) });
    const taken = await put(client, folder, 'occupied.bin');
    const { conflicts } = (await refused(up('OCCUPIED.bin'), 409, 'item_name_in_use')).context_info;
    assert.deepEqual([conflicts.id, conflicts.type], [taken.id, 'file']);
    await refused(up('a/b'), 400, 'item_name_invalid');
    await refused(up('fine.bin', '990017'), 404, 'not_found');
  });

  await check('uploads.uploadWithPreflightCheck', async () => {
    const bytes = bytesOf('preflighted', 4000);
    const { entries } = await uploads.uploadWithPreflightCheck({
      attributes: { name: 'preflighted.bin', parent, size: bytes.length }, file: Readable.from([bytes]),
    });
    assert.deepEqual([entries[0].name, entries[0].sha1], ['preflighted.bin', hex('sha1', bytes)]);
    const again = uploads.uploadWithPreflightCheck({
      attributes: { name: 'preflighted.bin', parent, size: 1 }, file: Readable.from([Buffer.from('x')]),
    });
    await refused(again, 409, 'item_name_in_use');
  });

  await check('uploads.uploadFileVersion: If-Match, a new name, times', async () => {
    const first = await put(client, folder, 'versioned.bin', bytesOf('one', 10));
    const second = bytesOf('two', 20);
    await refused(putVersion(client, first, second, { ifMatch: '5' }), 412, 'precondition_failed');
    const file = await putVersion(client, first, second, { ifMatch: '0' }, {
      name: 'renamed.bin', contentModifiedAt: time('2003-04-05T06:07:08Z'),
    });
    assert.deepEqual([file.id, file.name, file.etag, file.size], [first.id, 'renamed.bin', '1', 20]);
    assert.notEqual(file.fileVersion.id, first.fileVersion.id);
    const got = await client.files.getFileById(first.id);
    assert.equal(seconds(got.contentModifiedAt), Date.parse('2003-04-05T06:07:08Z') / 1000);
    assert.ok((await download(client, file)).equals(second));
    await refused(putVersion(client, { id: '990017', name: 'x' }, second), 404, 'not_found');
    await refused(putVersion(client, first, second, { ifMatch: '0' }), 412, 'precondition_failed');
  });

  await check('space_used follows what is stored', async () => {
    const used = async () => (await client.users.getUserMe({ fields: ['space_used'] })).spaceUsed;
    const before = await used();
    const file = await put(client, folder, 'counted.bin', bytesOf('counted', 12_345));
    assert.equal((await used()) - before, 12_345);
    await client.files.deleteFileById(file.id);
    await client.trashedFiles.deleteTrashedFileById(file.id);
    assert.equal(await used(), before);
  });

  await check('chunkedUploads.uploadBigFile', async () => {
    const bytes = bytesOf('big', 20_000_123);
    const file = await client.chunkedUploads.uploadBigFile(Readable.from(pieces(bytes)), 'big.bin', bytes.length, folder.id);
    assert.deepEqual([file.name, file.size, file.sha1, file.parent.id], ['big.bin', bytes.length, hex('sha1', bytes), folder.id]);
    assert.equal(hex('sha1', await read(await client.downloads.downloadFile(file.id))), file.sha1);
    assert.ok(ids(await client.folders.getFolderItems(folder.id, { queryParams: { limit: 1000 } })).includes(file.id));
  });
});

// pieces cuts bytes as a file on disk would come.
function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
