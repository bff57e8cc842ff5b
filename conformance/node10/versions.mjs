// Versions of a file: list, get, delete, restore, promote.

import assert from 'node:assert/strict';
import { refused, turnedDown } from './box.mjs';
import { area, download, ids, keysOf, nothing, put, putVersion } from './area.mjs';
import { bytesOf, check, hex } from './check.mjs';

await area('versions', async (client, folder) => {
  const { fileVersions } = client;
  const bytes = [1, 2, 3].map((n) => bytesOf(`version ${n}`, 1000 * n));
  const sums = bytes.map((b) => hex('sha1', b));
  const three = async (name) => {
    const first = await put(client, folder, name, bytes[0]);
    const second = await putVersion(client, first, bytes[1]);
    const third = await putVersion(client, first, bytes[2]);
    return { file: first, versions: [first, second, third].map((file) => file.fileVersion.id) };
  };
  const details = { queryParams: { fields: ['trashed_at', 'trashed_by', 'restored_at', 'restored_by'] } };

  await check('fileVersions.getFileVersions: past versions, newest first', async () => {
    const { file, versions } = await three('listed.bin');
    const list = await fileVersions.getFileVersions(file.id);
    assert.deepEqual([list.totalCount, list.offset], [2, 0]);
    assert.deepEqual(ids(list), [versions[1], versions[0]]);
    assert.deepEqual(list.entries.map((v) => [v.type, v.sha1, v.size, v.name]), [
      ['file_version', sums[1], 2000, 'listed.bin'],
      ['file_version', sums[0], 1000, 'listed.bin'],
    ]);
    const me = await client.users.getUserMe();
    assert.ok(list.entries.every((v) => v.modifiedBy.id === me.id && v.createdAt && v.modifiedAt));
    const page = await fileVersions.getFileVersions(file.id, { queryParams: { limit: 1, offset: 1 } });
    assert.deepEqual([page.totalCount, page.limit, page.offset, ids(page)], [2, 1, 1, [versions[0]]]);
    const numbered = await fileVersions.getFileVersions(file.id, { queryParams: { fields: ['version_number'] } });
    assert.deepEqual(numbered.entries.map((v) => v.versionNumber), ['2', '1']);
    keysOf(numbered.rawData.entries[0], ['type', 'id', 'version_number']);
    await refused(fileVersions.getFileVersions('990017'), 404, 'not_found');
  });

  await check('fileVersions.getFileVersionById', async () => {
    const { file, versions } = await three('got.bin');
    for (const [i, id] of versions.entries()) {
      const got = await fileVersions.getFileVersionById(file.id, id);
      assert.deepEqual([got.id, got.type, got.sha1, got.size], [id, 'file_version', sums[i], bytes[i].length]);
    }
    await refused(fileVersions.getFileVersionById(file.id, '990017'), 404, 'not_found');
    const other = await put(client, folder, 'other.bin');
    await refused(fileVersions.getFileVersionById(other.id, versions[0]), 404, 'not_found');
  });

  await check('fileVersions.deleteFileVersionById and updateFileVersionById', async () => {
    const { file, versions } = await three('deleted.bin');
    const get = () => fileVersions.getFileVersionById(file.id, versions[0], details);
    const fresh = (await get()).rawData;
    for (const key of ['trashed_at', 'trashed_by', 'restored_at', 'restored_by']) assert.equal(fresh[key] ?? null, null, key);
    await turnedDown(fileVersions.deleteFileVersionById(file.id, versions[0], { headers: { ifMatch: '77' } }), 412);
    await fileVersions.deleteFileVersionById(file.id, versions[0]);
    const me = await client.users.getUserMe();
    const gone = await get();
    assert.ok(gone.trashedAt);
    assert.deepEqual([gone.trashedBy.id, gone.restoredAt ?? null, gone.restoredBy ?? null], [me.id, null, null]);
    assert.ok((await download(client, file, { queryParams: { version: versions[0] } })).equals(bytes[0]), 'readable');
    const back = await fileVersions.updateFileVersionById(file.id, versions[0], { requestBody: { trashedAt: nothing } });
    assert.equal(back.id, versions[0]);
    const restored = await get();
    assert.deepEqual([restored.trashedAt ?? null, restored.trashedBy ?? null, restored.restoredBy.id], [null, null, me.id]);
    assert.ok(restored.restoredAt);
  });

  await check('fileVersions.promoteFileVersion', async () => {
    const file = await put(client, folder, 'old name.bin', bytes[0]);
    const old = file.fileVersion.id;
    await putVersion(client, file, bytes[1], {}, { name: 'new name.bin' });
    const promoted = await fileVersions.promoteFileVersion(file.id, { requestBody: { id: old, type: 'file_version' } });
    assert.deepEqual([promoted.type, promoted.sha1, promoted.size], ['file_version', sums[0], 1000]);
    assert.notEqual(promoted.id, old);
    const got = await client.files.getFileById(file.id);
    assert.deepEqual([got.name, got.size, got.sha1, got.fileVersion.id], ['old name.bin', 1000, sums[0], promoted.id]);
    assert.ok((await download(client, file)).equals(bytes[0]));
    const list = await fileVersions.getFileVersions(file.id);
    assert.deepEqual(list.entries.map((v) => v.sha1), [sums[1], sums[0]]);
    await refused(
      fileVersions.promoteFileVersion(file.id, { requestBody: { id: '990017', type: 'file_version' } }), 404, 'not_found',
    );
  });
});
