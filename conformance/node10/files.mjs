// Files: get, update, move, copy, delete, lock, thumbnails, representations.

import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { refused, turnedDown } from './box.mjs';
import { area, download, ids, keysOf, mkdir, names, nothing, notModified, put, putVersion, read, seconds, tick, time } from './area.mjs';
import { bytesOf, check, hex, token } from './check.mjs';

await area('files', async (client, folder) => {
  const { files } = client;
  const update = (file, requestBody, more = {}) => files.updateFileById(file.id, { requestBody, ...more });
  const get = (file, ...fields) => files.getFileById(file.id, { queryParams: { fields } });

  await check('files.getFileById: the Standard fields', async () => {
    const me = await client.users.getUserMe();
    const bytes = bytesOf('standard', 4321);
    const made = await put(client, folder, 'standard.bin', bytes);
    const got = await files.getFileById(made.id);
    assert.deepEqual(
      [got.type, got.name, got.size, got.sha1, got.etag, got.sequenceId, got.itemStatus, got.parent.id, got.description],
      ['file', 'standard.bin', 4321, hex('sha1', bytes), '0', '0', 'active', folder.id, ''],
    );
    assert.deepEqual(ids(got.pathCollection), ['0', folder.id]);
    assert.deepEqual([got.createdBy.id, got.modifiedBy.id, got.ownedBy.id], [me.id, me.id, me.id]);
    assert.deepEqual([got.ownedBy.name, got.ownedBy.login], [me.name, me.login]);
    assert.deepEqual([got.rawData.shared_link, got.rawData.trashed_at, got.rawData.purged_at], [null, null, null]);
    assert.equal(got.fileVersion.id, made.fileVersion.id);
    for (const full of ['lock', 'permissions', 'tags', 'extension']) assert.equal(full in got.rawData, false, full);
  });

  await check('fields: Base and what is named', async () => {
    const made = await put(client, folder, 'Fielded.TAR.gz');
    keysOf((await get(made, 'name')).rawData, ['type', 'id', 'etag', 'name']);
    const full = await get(
      made, 'extension', 'version_number', 'comment_count', 'permissions', 'tags', 'lock', 'is_package', 'watermark_info',
      'is_accessible_via_shared_link', 'allowed_invitee_roles', 'is_externally_owned', 'has_collaborations', 'expires_at',
      'uploader_display_name', 'shared_link_permission_options', 'collections', 'authenticated_download_url',
      'is_download_available', 'expiring_embed_link',
    );
    assert.deepEqual([full.extension, full.versionNumber, full.commentCount], ['gz', '1', 0]);
    assert.deepEqual([full.tags, full.lock ?? null, full.isPackage, full.isExternallyOwned], [[], null, false, false]);
    assert.deepEqual([full.hasCollaborations, full.watermarkInfo.isWatermarked], [false, false]);
    assert.deepEqual([full.isAccessibleViaSharedLink, full.expiresAt ?? null], [false, null]);
    assert.equal(full.uploaderDisplayName, (await client.users.getUserMe()).name);
    assert.deepEqual(full.rawData.collections, []);
    assert.equal(full.rawData.is_download_available, true);
    assert.ok(full.sharedLinkPermissionOptions.includes('can_download'));
    for (const may of [
      'canDelete', 'canDownload', 'canRename', 'canSetShareAccess', 'canShare', 'canPreview', 'canUpload',
    ]) {
      assert.equal(full.permissions[may], true, may);
    }
    for (const may of ['canInviteCollaborator', 'canComment', 'canAnnotate', 'canViewAnnotationsAll', 'canViewAnnotationsSelf', 'canApplyWatermark']) {
      assert.equal(typeof full.permissions[may], 'boolean', may);
    }
    const link = full.rawData.authenticated_download_url;
    const direct = await fetch(link, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(hex('sha1', Buffer.from(await direct.arrayBuffer())), made.sha1, 'authenticated_download_url');
    assert.match(full.expiringEmbedLink.url, /^https?:\/\//);
    const page = await fetch(full.expiringEmbedLink.url);
    assert.equal(page.status, 200, 'the embedded page');
  });

  await check('files.updateFileById: name, description, tags', async () => {
    const made = await put(client, folder, 'before.txt');
    await tick();
    const renamed = await update(made, { name: 'after.txt', description: 'Updated description' });
    assert.deepEqual(
      [renamed.id, renamed.name, renamed.description, renamed.etag, renamed.sequenceId, renamed.sha1],
      [made.id, 'after.txt', 'Updated description', '1', '1', made.sha1],
    );
    assert.ok(seconds(renamed.modifiedAt) > seconds(made.modifiedAt), 'modified_at did not move');
    assert.equal(seconds(renamed.contentModifiedAt), seconds(made.contentModifiedAt));
    assert.equal(renamed.fileVersion.id, made.fileVersion.id);
    const cased = await update(made, { name: 'AFTER.txt' });
    assert.deepEqual([cased.name, cased.etag], ['AFTER.txt', '2']);
    await update(made, { tags: ['one', 'two words'] });
    assert.deepEqual([...(await get(made, 'tags')).tags].sort(), ['one', 'two words']);
    await update(made, { tags: [] });
    assert.deepEqual((await get(made, 'tags')).tags, []);
    await refused(update(made, { name: 'a/b' }), 400, 'item_name_invalid');
    await put(client, folder, 'occupied.txt');
    await refused(update(made, { name: 'Occupied.txt' }), 409, 'item_name_in_use');
  });

  await check('If-Match and If-None-Match', async () => {
    const made = await put(client, folder, 'matched.txt');
    await refused(update(made, { name: 'x.txt' }, { headers: { ifMatch: '3' } }), 412, 'precondition_failed');
    const fresh = await update(made, { name: 'x.txt' }, { headers: { ifMatch: '0' } });
    assert.equal(fresh.etag, '1');
    await turnedDown(files.deleteFileById(made.id, { headers: { ifMatch: '0' } }), 412);
    await notModified(client, ({ files }) => files.getFileById(made.id, { headers: { ifNoneMatch: '1' } }));
    assert.equal((await files.getFileById(made.id, { headers: { ifNoneMatch: '0' } })).name, 'x.txt');
    await files.deleteFileById(made.id, { headers: { ifMatch: '1' } });
    assert.equal((await files.getFileById(made.id)).itemStatus, 'trashed');
  });

  await check('move', async () => {
    const to = await mkdir(client, folder, 'moved to');
    const made = await put(client, folder, 'mover.txt');
    const moved = await update(made, { parent: { id: to.id } });
    assert.deepEqual([moved.id, moved.parent.id, moved.name, moved.etag], [made.id, to.id, 'mover.txt', '1']);
    assert.deepEqual(ids(moved.pathCollection), ['0', folder.id, to.id]);
    const back = await update(made, { parent: { id: folder.id }, name: 'moved back.txt' });
    assert.deepEqual([back.parent.id, back.name], [folder.id, 'moved back.txt']);
    assert.deepEqual(names(await client.folders.getFolderItems(to.id)), []);
    await put(client, to, 'Moved Back.txt');
    await refused(update(made, { parent: { id: to.id } }), 409, 'item_name_in_use');
    await refused(update(made, { parent: { id: '990017' } }), 404, 'not_found');
  });

  await check('files.copyFile', async () => {
    const to = await mkdir(client, folder, 'copied to');
    const first = bytesOf('copy first', 2222);
    const made = await put(client, folder, 'origin.bin', first);
    const second = bytesOf('copy second', 3333);
    await putVersion(client, made, second);
    const copy = await files.copyFile(made.id, { parent: { id: to.id }, name: 'copy.bin' });
    assert.deepEqual(
      [copy.name, copy.parent.id, copy.etag, copy.sequenceId, copy.size, copy.sha1],
      ['copy.bin', to.id, '0', '0', 3333, hex('sha1', second)],
    );
    assert.notEqual(copy.id, made.id);
    assert.ok((await download(client, copy)).equals(second));
    const old = await files.copyFile(made.id, {
      parent: { id: to.id }, name: 'old.bin', version: made.fileVersion.id,
    });
    assert.equal(old.sha1, hex('sha1', first));
    assert.ok((await download(client, old)).equals(first));
    const origin = await files.getFileById(made.id);
    assert.equal(seconds(copy.contentModifiedAt), seconds(origin.contentModifiedAt), 'content_modified_at of a copy');
    await refused(files.copyFile(made.id, { parent: { id: folder.id } }), 409, 'item_name_in_use');
    assert.equal((await client.fileVersions.getFileVersions(copy.id)).totalCount, 0);
    await putVersion(client, copy, bytesOf('changed copy', 10));
    assert.ok((await download(client, made)).equals(second), 'a change of the copy reached the origin');
  });

  await check('files.deleteFileById', async () => {
    const made = await put(client, folder, 'deleted.txt');
    await files.deleteFileById(made.id);
    assert.ok(!ids(await client.folders.getFolderItems(folder.id, { queryParams: { limit: 1000 } })).includes(made.id));
    assert.equal((await client.trashedFiles.getTrashedFileById(made.id)).id, made.id);
    await turnedDown(files.deleteFileById('990017'), 404);
  });

  await check('lock and unlock', async () => {
    const made = await put(client, folder, 'locked.txt');
    const me = await client.users.getUserMe();
    const expires = new Date(Math.floor(Date.now() / 1000) * 1000 + 3600_000).toISOString();
    const fields = { queryParams: { fields: ['lock'] } };
    const lock = { access: 'lock', expiresAt: time(expires), isDownloadPrevented: true };
    const locked = await update(made, { lock }, fields);
    assert.match(locked.lock.id, /^[0-9]+$/);
    assert.deepEqual(
      [locked.lock.type, locked.lock.createdBy.id, locked.lock.isDownloadPrevented, seconds(locked.lock.expiredAt)],
      ['lock', me.id, true, Date.parse(expires) / 1000],
    );
    assert.equal(locked.etag, made.etag, 'a lock moved the etag');
    const open = await update(made, { lock: nothing }, fields);
    assert.equal(open.rawData.lock, null);
    assert.equal((await get(made, 'lock')).rawData.lock, null);
  });

  await check('files.getFileThumbnailById', async () => {
    const picture = await put(client, folder, 'picture.png', png(640, 480));
    const thumbnail = await read(
      await files.getFileThumbnailById(picture.id, 'png', { queryParams: { minHeight: 64, minWidth: 64, maxHeight: 128, maxWidth: 128 } }),
    );
    assert.equal(thumbnail.subarray(1, 4).toString(), 'PNG');
    const [width, height] = [thumbnail.readUInt32BE(16), thumbnail.readUInt32BE(20)];
    assert.deepEqual([width <= 128, height <= 128, Math.round((width / height) * 100)], [true, true, 133]);
    const jpeg = await read(await files.getFileThumbnailById(picture.id, 'jpg'));
    assert.deepEqual([jpeg[0], jpeg[1]], [0xff, 0xd8]);
    await turnedDown(files.getFileThumbnailById(picture.id, 'png', { queryParams: { minWidth: 1000 } }), 400);
    // What has no picture answers with the Location of a placeholder.
    const text = await put(client, folder, 'no picture.txt');
    const placeholder = await files.getFileThumbnailUrl(text.id, 'png');
    assert.match(placeholder, /^https?:\/\//);
    const shown = await fetch(placeholder);
    assert.deepEqual([shown.status, shown.headers.get('content-type')], [200, 'image/png']);
  });

  await check('representations', async () => {
    const picture = await put(client, folder, 'represented.png', png(800, 400));
    const { representations } = await files.getFileById(picture.id, {
      queryParams: { fields: ['representations'] },
      headers: { xRepHints: '[png?dimensions=320x320][jpg?dimensions=94x94&paged=false]' },
    });
    const of = (name) => representations.entries.find((entry) => entry.representation === name);
    for (const [name, dimensions] of [['png', '320x320'], ['jpg', '94x94']]) {
      const entry = of(name);
      assert.equal(entry.properties.dimensions, dimensions, name);
      assert.ok(['success', 'viewable', 'pending', 'none'].includes(entry.status.state), entry.status.state);
      const { data } = await client.makeRequest({ url: entry.info.url, method: 'GET' });
      assert.equal(data.status.state, 'success', `${name} after it was asked for`);
      const stream = await client.makeRequest({
        url: entry.content.urlTemplate.replace('{+asset_path}', ''), method: 'GET', responseFormat: 'binary',
      });
      const bytes = await read(stream.content);
      assert.ok(name === 'png' ? bytes.subarray(1, 4).toString() === 'PNG' : bytes[0] === 0xff, `${name} is no ${name}`);
    }
    const text = await put(client, folder, 'unrepresented.txt');
    const none = (await get(text, 'representations')).representations;
    assert.ok(none.entries.every((entry) => entry.content.urlTemplate.startsWith('http')));
  });

  await check('files of nobody', async () => {
    await refused(files.getFileById('990017'), 404, 'not_found');
    await refused(update({ id: '990017' }, { name: 'x' }), 404, 'not_found');
    await refused(files.copyFile('990017', { parent: { id: '0' } }), 404, 'not_found');
  });
});

// png is a picture of one colour.
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8); // eight bits, red green blue
  const rows = Buffer.alloc((width * 3 + 1) * height, 0x7f);
  for (let row = 0; row < height; row++) rows[row * (width * 3 + 1)] = 0;
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}
