// Changes of files, folders and web links, locks, favourites and versions.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { createNull } from 'box-node-sdk/internal';
import { refused } from './box.mjs';
import { check, hex } from './check.mjs';

export async function changes(client, folder) {
  const upload = async (name, text) => {
    const files = await client.uploads.uploadFile({ attributes: { name, parent: { id: folder.id } }, file: Readable.from(Buffer.from(text)) });
    return files.entries[0];
  };
  const version = async (file, text) => {
    const files = await client.uploads.uploadFileVersion(file.id, { attributes: { name: file.name }, file: Readable.from(Buffer.from(text)) });
    return files.entries[0];
  };
  const sub = await client.folders.createFolder({ name: 'changes', parent: { id: folder.id }, syncState: 'synced' });

  await check('files.updateFileById', async () => {
    const file = await upload('change.txt', 'one');
    const got = await client.files.updateFileById(file.id, {
      requestBody: { name: 'Changed.TXT', description: 'words', parent: { id: sub.id }, tags: ['a', 'b'] },
    });
    assert.equal(got.name, 'Changed.TXT');
    assert.equal(got.description, 'words');
    assert.equal(got.parent.id, sub.id);
    assert.equal(got.etag, '1');
    const full = await client.files.getFileById(file.id, { queryParams: { fields: ['tags', 'lock', 'permissions', 'extension', 'collections'] } });
    assert.deepEqual(full.tags, ['a', 'b']);
    assert.equal(full.lock ?? null, null); // the SDK drops nulls
    assert.equal(full.permissions.canRename, true);
    assert.equal(full.extension, 'TXT');
    await refused(client.files.updateFileById(file.id, { requestBody: { name: 'x' }, headers: { ifMatch: '0' } }), 412, 'precondition_failed');
    await refused(client.files.updateFileById(file.id, { requestBody: { name: 'a/b' } }), 400, 'item_name_invalid');
  });

  await check('files.updateFileById: locks', async () => {
    const file = await upload('lock.txt', 'one');
    const fields = { queryParams: { fields: ['lock'] } };
    const { lock } = await client.files.updateFileById(file.id, {
      requestBody: { lock: { access: 'lock', isDownloadPrevented: true, expiresAt: { value: new Date(Date.now() + 3_600_000) } } }, ...fields,
    });
    assert.equal(lock.type, 'lock');
    assert.equal(lock.isDownloadPrevented, true);
    assert.ok(lock.expiredAt.value > new Date());
    const off = await client.files.updateFileById(file.id, { requestBody: { lock: createNull() }, ...fields });
    assert.equal(off.lock ?? null, null);
    assert.equal(off.etag, file.etag);
  });

  await check('folders.updateFolderById', async () => {
    const got = await client.folders.updateFolderById(sub.id, {
      requestBody: { name: 'Changes', description: 'words', canNonOwnersInvite: false, folderUploadEmail: { access: 'open' }, tags: ['t'] },
    });
    assert.equal(got.name, 'Changes');
    assert.equal(got.folderUploadEmail.access, 'open');
    assert.match(got.folderUploadEmail.email, /@/);
    const full = await client.folders.getFolderById(sub.id, {
      queryParams: { fields: ['sync_state', 'can_non_owners_invite', 'tags', 'permissions', 'is_collaboration_restricted_to_enterprise'] },
    });
    assert.equal(full.syncState, 'synced');
    assert.equal(full.canNonOwnersInvite, false);
    assert.deepEqual(full.tags, ['t']);
    await refused(client.folders.updateFolderById(folder.id, { requestBody: { parent: { id: sub.id } } }), 400, 'cyclical_folder_structure');
  });

  await check('webLinks and trashedWebLinks', async () => {
    const link = await client.webLinks.createWebLink({ url: 'https://example.net/', parent: { id: folder.id }, name: 'Link', description: 'words' });
    assert.equal(link.type, 'web_link');
    assert.equal(link.url, 'https://example.net/');
    assert.equal((await client.webLinks.getWebLinkById(link.id)).name, 'Link');
    const got = await client.webLinks.updateWebLinkById(link.id, { requestBody: { url: 'https://example.com/', name: 'Other' } });
    assert.equal(got.url, 'https://example.com/');
    const { entries } = await client.folders.getFolderItems(folder.id);
    const listed = entries.find((entry) => entry.id === link.id);
    assert.equal(listed.type, 'web_link');
    assert.equal(listed.url, 'https://example.com/');
    await client.webLinks.deleteWebLinkById(link.id);
    assert.equal((await client.trashedWebLinks.getTrashedWebLinkById(link.id)).itemStatus, 'trashed');
    const back = await client.trashedWebLinks.restoreWeblinkFromTrash(link.id, { requestBody: { name: 'Back' } });
    assert.equal(back.name, 'Back');
    await client.webLinks.deleteWebLinkById(link.id);
    await client.trashedWebLinks.deleteTrashedWebLinkById(link.id);
    await refused(client.webLinks.getWebLinkById(link.id), 404, 'not_found');
    const unnamed = await client.webLinks.createWebLink({ url: 'https://example.net/a?b', parent: { id: folder.id } });
    assert.equal(unnamed.name, 'https://example.net/a?b');
    await client.webLinks.deleteWebLinkById(unnamed.id);
  });

  await check('fileVersions', async () => {
    const file = await upload('versions.txt', 'one');
    const first = file.fileVersion.id;
    await version(file, 'second');
    const list = await client.fileVersions.getFileVersions(file.id);
    assert.equal(list.totalCount, 1);
    assert.equal(list.entries[0].id, first);
    await client.fileVersions.deleteFileVersionById(file.id, first);
    const gone = await client.fileVersions.getFileVersionById(file.id, first);
    assert.ok(gone.trashedAt.value instanceof Date);
    assert.ok(gone.trashedBy.id);
    const back = await client.fileVersions.updateFileVersionById(file.id, first, { requestBody: { trashedAt: createNull() } });
    assert.equal(back.trashedAt ?? null, null);
    assert.ok(back.restoredBy.id);
    const promoted = await client.fileVersions.promoteFileVersion(file.id, { requestBody: { id: first, type: 'file_version' } });
    assert.notEqual(promoted.id, first);
    assert.equal(promoted.sha1, hex('sha1', Buffer.from('one')));
    assert.equal(promoted.size, 3);
    const got = await client.files.getFileById(file.id, { queryParams: { fields: ['version_number', 'size', 'file_version'] } });
    assert.equal(got.versionNumber, '3');
    assert.equal(got.size, 3);
    assert.equal(got.fileVersion.id, promoted.id);
    assert.equal((await client.fileVersions.getFileVersions(file.id)).totalCount, 2);
  });

  await check('collections', async () => {
    const { entries } = await client.collections.getCollections();
    assert.equal(entries.length, 1);
    const favourites = entries[0];
    assert.equal(favourites.collectionType, 'favorites');
    assert.equal((await client.collections.getCollectionById(favourites.id)).name, 'Favorites');
    const inIt = async () => (await client.collections.getCollectionItems(favourites.id)).entries.some((entry) => entry.id === sub.id);
    const got = await client.folders.updateFolderById(sub.id, {
      requestBody: { collections: [{ id: favourites.id, type: 'collection' }] }, queryParams: { fields: ['collections'] },
    });
    assert.equal(got.rawData.collections[0].id, favourites.id); // which its types leave out
    assert.equal(await inIt(), true);
    await client.folders.updateFolderById(sub.id, { requestBody: { collections: [] } });
    assert.equal(await inIt(), false);
  });
}
