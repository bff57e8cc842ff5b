// Users, folders, plain uploads, downloads, versions, the trash and errors.

import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box';
import { connect, isFile, refused } from './box.mjs';
import { bytesOf, check, hex, sameBytes, Source } from './check.mjs';

export async function items(client, folder, work) {
  const small = (name, size = 123_457) => Source.make(work, name, size);

  const upload = async (source, name = source.name) => {
    const files = await client.uploads.uploadFile({
      attributes: { name, parent: { id: folder.id } },
      file: createReadStream(source.file),
    });
    assert.equal(files.totalCount, 1);
    isFile(files.entries[0], source);
    return files.entries[0];
  };

  await check('users.getUserMe', async () => {
    const me = await client.users.getUserMe({ fields: ['name', 'login', 'enterprise'] });
    assert.equal(me.type, 'user');
    assert.match(me.id, /^[0-9]+$/);
    assert.match(me.login, /@/);
    assert.match(me.enterprise.id, /^[0-9]+$/);
    assert.equal((await client.users.getUserMe()).id, me.id);
  });

  await check('a wrong token is a 401 without a body', async () => {
    const err = await connect({ as: 'no-such-token', retries: false })
      .users.getUserMe()
      .then(() => assert.fail('a wrong token was accepted'), (err) => err);
    assert.ok(err instanceof BoxApiError, err.message);
    assert.equal(err.responseInfo.statusCode, 401);
    assert.equal(err.responseInfo.rawBody, '', 'body');
    assert.match(err.responseInfo.headers['www-authenticate'], /^Bearer .*error="invalid_token"/);
  });

  // Only after a 401 does the SDK ask its authentication for a new token, and
  // a developer token has none to give.
  await check('a wrong token makes the SDK ask for another', async () => {
    const err = await connect({ as: 'no-such-token' })
      .users.getUserMe()
      .then(() => assert.fail('a wrong token was accepted'), (err) => err);
    assert.ok(err instanceof BoxSdkError);
    assert.match(err.message, /Developer token has expired/);
  });

  await check('folders.getFolderById', async () => {
    const got = await client.folders.getFolderById(folder.id);
    assert.equal(got.name, folder.name);
    assert.equal(got.parent.id, '0');
    assert.equal(got.pathCollection.totalCount, 1);
    assert.equal(got.pathCollection.entries[0].id, '0');
    assert.equal(got.itemCollection.totalCount, 0);
    assert.equal((await client.folders.getFolderById('0')).id, '0');
  });

  await check('folders.getFolderItems', async () => {
    const parent = await client.folders.createFolder({ name: 'listed', parent: { id: folder.id } });
    const names = ['c', 'a', 'b'];
    for (const name of names) await client.folders.createFolder({ name, parent: { id: parent.id } });
    const first = await client.folders.getFolderItems(parent.id, { queryParams: { limit: 2, offset: 0 } });
    const rest = await client.folders.getFolderItems(parent.id, { queryParams: { limit: 2, offset: 2 } });
    assert.deepEqual([first.totalCount, first.limit, first.offset], [3, 2, 0]);
    assert.deepEqual([...first.entries, ...rest.entries].map((entry) => entry.name), ['a', 'b', 'c']);
    assert.ok(first.entries.every((entry) => entry.type === 'folder'));
  });

  await check('a folder of that name: 409 with an array', async () => {
    const taken = await client.folders.createFolder({ name: 'taken', parent: { id: folder.id } });
    const body = await refused(
      client.folders.createFolder({ name: 'Taken', parent: { id: folder.id } }),
      409,
      'item_name_in_use',
    );
    assert.equal(body.context_info.conflicts[0].id, taken.id);
  });

  await check('uploads.preflightFileUploadCheck', async () => {
    const body = { name: 'not there yet', size: 1000, parent: { id: folder.id } };
    const { uploadUrl } = await client.uploads.preflightFileUploadCheck(body);
    assert.match(uploadUrl, /^https?:\/\/.*\/files\/content$/);
    await refused(client.uploads.preflightFileUploadCheck({ ...body, parent: { id: '990017' } }), 404, 'not_found');
    await refused(client.uploads.preflightFileUploadCheck({ ...body, name: 'a/b' }), 400, 'item_name_invalid');
  });

  await check('uploads.uploadFile and downloads.downloadFile', async () => {
    const source = await small('plain.bin');
    const file = await upload(source);
    assert.equal(file.name, 'plain.bin');
    assert.equal(file.parent.id, folder.id);
    assert.equal(file.etag, '0');
    await source.equals(await client.downloads.downloadFile(file.id));
    const got = await client.files.getFileById(file.id);
    isFile(got, source);
    assert.deepEqual(got.pathCollection.entries.map((entry) => entry.id), ['0', folder.id]);
  });

  await check('uploads.uploadWithPreflightCheck', async () => {
    const source = await small('checked.bin', 70_001);
    const files = await client.uploads.uploadWithPreflightCheck({
      attributes: { name: source.name, parent: { id: folder.id }, size: source.size },
      file: createReadStream(source.file),
    });
    isFile(files.entries[0], source);
    await source.equals(await client.downloads.downloadFile(files.entries[0].id));
  });

  await check('an empty file', async () => {
    const source = await small('empty.bin', 0);
    const file = await upload(source);
    await source.equals(await client.downloads.downloadFile(file.id));
  });

  await check('the times of an upload are kept', async () => {
    const time = (text) => ({ value: new Date(text) }); // the SDK's own wrapper of a date
    const files = await client.uploads.uploadFile({
      attributes: {
        name: 'dated.bin',
        parent: { id: folder.id },
        contentCreatedAt: time('2011-02-03T04:05:06Z'),
        contentModifiedAt: time('2012-02-03T04:05:06+03:00'),
      },
      file: Readable.from(bytesOf('dated', 10)),
    });
    const file = await client.files.getFileById(files.entries[0].id);
    assert.equal(file.contentCreatedAt.value.toISOString(), '2011-02-03T04:05:06.000Z');
    assert.equal(file.contentModifiedAt.value.toISOString(), '2012-02-03T01:05:06.000Z');
  });

  await check('a name of many scripts', async () => {
    const name = 'Привет 你好 🎈 "a:b*?"<c>|%20+&.bin';
    const file = await upload(await small('scripts.bin', 11), name);
    assert.equal(file.name, name);
    assert.equal((await client.files.getFileById(file.id)).name, name);
  });

  await check('a wrong Content-MD5: 400 bad_digest', async () => {
    const attributes = { name: 'bad.bin', parent: { id: folder.id } };
    const body = { attributes, file: Readable.from(Buffer.from('body')) };
    const headers = { contentMd5: hex('sha1', 'other') };
    await refused(client.uploads.uploadFile(body, { headers }), 400, 'bad_digest');
    const items = await client.folders.getFolderItems(folder.id, { queryParams: { limit: 1000 } });
    assert.ok(!items.entries.some((entry) => entry.name === 'bad.bin'), 'the refused file is there');
  });

  await check('a file of that name: 409 with an object', async () => {
    const file = await upload(await small('unique.bin'));
    const attributes = { name: 'unique.bin', parent: { id: folder.id } };
    const calls = {
      preflight: () => client.uploads.preflightFileUploadCheck({ ...attributes, name: 'UNIQUE.bin', size: 10 }),
      upload: () => client.uploads.uploadFile({ attributes, file: Readable.from(Buffer.from('x')) }),
      session: () =>
        client.chunkedUploads.createFileUploadSession({
          fileName: 'unique.bin',
          folderId: folder.id,
          fileSize: 20_000_000,
        }),
    };
    for (const [name, call] of Object.entries(calls)) {
      const { conflicts } = (await refused(call(), 409, 'item_name_in_use')).context_info;
      assert.equal(Array.isArray(conflicts), false, name);
      assert.deepEqual(
        [conflicts.type, conflicts.id, conflicts.name, conflicts.sha1, conflicts.etag, conflicts.sequence_id],
        ['file', file.id, 'unique.bin', file.sha1, '0', '0'],
        name,
      );
      assert.equal(conflicts.file_version.id, file.fileVersion.id, name);
    }
  });

  await check('uploads.uploadFileVersion and fileVersions.getFileVersions', async () => {
    const first = await small('versions.bin');
    const second = await small('versions second', 222_223);
    const old = await upload(first);
    assert.equal((await client.fileVersions.getFileVersions(old.id)).totalCount, 0);

    const put = (ifMatch) =>
      client.uploads.uploadFileVersion(
        old.id,
        { attributes: { name: old.name }, file: createReadStream(second.file) },
        { headers: { ifMatch } },
      );
    await refused(put('7'), 412, 'precondition_failed');
    const file = (await put(old.etag)).entries[0];
    isFile(file, second);
    assert.equal(file.id, old.id);
    assert.equal(file.etag, '1');
    assert.notEqual(file.fileVersion.id, old.fileVersion.id);

    const versions = await client.fileVersions.getFileVersions(file.id);
    assert.equal(versions.totalCount, 1);
    assert.equal(versions.entries[0].id, old.fileVersion.id);
    assert.equal(versions.entries[0].sha1, first.sha1);
    assert.equal(versions.entries[0].size, first.size);
    await second.equals(await client.downloads.downloadFile(file.id));
    const earlier = { queryParams: { version: old.fileVersion.id } };
    await first.equals(await client.downloads.downloadFile(file.id, earlier));
  });

  await check('downloads.getDownloadFileUrl', async () => {
    const source = await small('linked.bin');
    const file = await upload(source);
    const link = await client.downloads.getDownloadFileUrl(file.id);
    assert.match(link, /^https?:\/\//);
    const plain = await fetch(link); // as a browser would: without the token
    assert.equal(plain.status, 200);
    assert.match(plain.headers.get('content-disposition'), /linked\.bin/);
    await source.equals(plain.body);
    const part = await fetch(link, { headers: { Range: 'bytes=100-299' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), `bytes 100-299/${source.size}`);
    await sameBytes(part.body, await source.read(100, 200));
  });

  await check('downloads.downloadFile of a range', async () => {
    const source = await small('ranged.bin');
    const file = await upload(source);
    const stream = await client.downloads.downloadFile(file.id, { headers: { range: 'bytes=1000-2999' } });
    await sameBytes(stream, await source.read(1000, 2000));
    const tail = await client.downloads.downloadFile(file.id, { headers: { range: 'bytes=-500' } });
    await sameBytes(tail, await source.read(source.size - 500, 500));
  });

  await check('files.getFileById of nothing: 404', async () => {
    await refused(client.files.getFileById('990017'), 404, 'not_found');
  });

  await check('files.deleteFileById and trashedFiles.getTrashedFileById', async () => {
    const source = await small('trashed.bin');
    const file = await upload(source);
    await client.files.deleteFileById(file.id);
    const trashed = await client.trashedFiles.getTrashedFileById(file.id);
    assert.equal(trashed.id, file.id);
    assert.equal(trashed.itemStatus, 'trashed');
    assert.equal(trashed.sha1, source.sha1);
    assert.ok(trashed.trashedAt);
    assert.equal(trashed.pathCollection.entries[0].id, '1');
    assert.equal((await client.files.getFileById(file.id)).itemStatus, 'trashed');
    const again = await upload(source); // the name is free
    assert.notEqual(again.id, file.id);
  });
}
