// Folders: create, get, update, move, copy, delete, list.

import assert from 'node:assert/strict';
import { connect, refused, turnedDown } from './box.mjs';
import { area, ids, keysOf, mkdir, names, newUser, notModified, pages, put, seconds, tick } from './area.mjs';
import { bytesOf, check } from './check.mjs';

await area('folders', async (client, folder) => {
  const { folders } = client;

  await check('folders.getFolderById of the root', async () => {
    const root = await folders.getFolderById('0');
    assert.deepEqual([root.id, root.type, root.name], ['0', 'folder', 'All Files']);
    const { etag, sequence_id: sequence, parent, created_at: created, path_collection: path } = root.rawData;
    assert.deepEqual([etag, sequence, parent, created], [null, null, null, null]);
    assert.deepEqual(path, { total_count: 0, entries: [] });
    assert.equal(typeof root.size, 'number');
    const full = await folders.getFolderById('0', { queryParams: { fields: ['has_collaborations', 'tags'] } });
    assert.deepEqual([full.hasCollaborations, full.tags], [false, []]);
  });

  await check('folders.createFolder: the Standard fields', async () => {
    const me = await client.users.getUserMe();
    const made = await mkdir(client, folder, 'made');
    assert.deepEqual(
      [made.type, made.name, made.etag, made.sequenceId, made.size, made.itemStatus, made.parent.id, made.description],
      ['folder', 'made', '0', '0', 0, 'active', folder.id, ''],
    );
    assert.deepEqual(ids(made.pathCollection), ['0', folder.id]);
    assert.deepEqual([made.createdBy.id, made.modifiedBy.id, made.ownedBy.id], [me.id, me.id, me.id]);
    assert.deepEqual([made.itemCollection.totalCount, made.itemCollection.entries], [0, []]);
    assert.equal(made.rawData.shared_link, null);
    for (const at of [made.createdAt, made.modifiedAt, made.contentCreatedAt, made.contentModifiedAt]) {
      assert.ok(Math.abs(seconds(at) - Date.now() / 1000) < 60, 'a time far from now');
    }
    assert.deepEqual((await folders.getFolderById(made.id)).rawData, made.rawData);
  });

  await check('folders.createFolder: refusals', async () => {
    const parent = { id: folder.id };
    await refused(folders.createFolder({ name: 'a/b', parent }), 400, 'item_name_invalid');
    await refused(folders.createFolder({ name: 'x'.repeat(256), parent }), 400, 'item_name_too_long');
    await refused(folders.createFolder({ name: 'lost', parent: { id: '990017' } }), 404, 'not_found');
    const taken = await mkdir(client, folder, 'Taken');
    const { conflicts } = (await refused(folders.createFolder({ name: 'tAKEN', parent }), 409, 'item_name_in_use'))
      .context_info;
    assert.deepEqual([conflicts.length, conflicts[0].id, conflicts[0].name], [1, taken.id, 'Taken']);
  });

  await check('fields: Base and what is named, no more', async () => {
    const made = await mkdir(client, folder, 'fielded');
    const some = await folders.getFolderById(made.id, { queryParams: { fields: ['name', 'nonsense'] } });
    keysOf(some.rawData, ['type', 'id', 'etag', 'name']);
    const full = await folders.getFolderById(made.id, {
      queryParams: {
        fields: [
          'permissions', 'tags', 'has_collaborations', 'is_externally_owned', 'can_non_owners_invite', 'sync_state',
          'allowed_shared_link_access_levels', 'allowed_invitee_roles', 'watermark_info', 'is_accessible_via_shared_link',
          'can_non_owners_view_collaborators', 'is_collaboration_restricted_to_enterprise', 'size', 'collections',
        ],
      },
    });
    const { permissions } = full;
    for (const may of [
      'canDelete', 'canDownload', 'canRename', 'canSetShareAccess', 'canShare', 'canUpload',
    ]) {
      assert.equal(permissions[may], true, may);
    }
    for (const may of ['canInviteCollaborator', 'canApplyWatermark']) assert.equal(typeof permissions[may], 'boolean', may);
    assert.deepEqual(full.tags, []);
    assert.deepEqual([full.hasCollaborations, full.isExternallyOwned], [false, false]);
    assert.deepEqual(full.allowedSharedLinkAccessLevels, ['open', 'company', 'collaborators']);
    assert.ok(Array.isArray(full.allowedInviteeRoles));
    assert.equal(full.watermarkInfo.isWatermarked, false);
    assert.equal(full.isAccessibleViaSharedLink, false);
    assert.deepEqual(full.rawData.collections, []);
    for (const on of ['can_non_owners_invite', 'can_non_owners_view_collaborators']) {
      assert.equal(typeof full.rawData[on], 'boolean', on);
    }
    assert.equal('name' in full.rawData, false);
  });

  await check('folders.updateFolderById: name, description, tags, etag', async () => {
    const made = await mkdir(client, folder, 'before');
    await tick();
    const renamed = await folders.updateFolderById(made.id, {
      requestBody: { name: 'after', description: 'Updated description' },
    });
    assert.deepEqual(
      [renamed.id, renamed.name, renamed.description, renamed.etag, renamed.sequenceId],
      [made.id, 'after', 'Updated description', '1', '1'],
    );
    assert.ok(seconds(renamed.modifiedAt) > seconds(made.modifiedAt), 'modified_at did not move');
    assert.equal(seconds(renamed.createdAt), seconds(made.createdAt));
    const cased = await folders.updateFolderById(made.id, { requestBody: { name: 'AFTER' } });
    assert.deepEqual([cased.name, cased.etag], ['AFTER', '2']);
    const tagged = await folders.updateFolderById(made.id, {
      requestBody: { tags: ['red', 'blue'] },
      queryParams: { fields: ['tags'] },
    });
    assert.deepEqual([...tagged.tags].sort(), ['blue', 'red']);
    const again = await folders.getFolderById(made.id, { queryParams: { fields: ['tags', 'name', 'description'] } });
    assert.deepEqual([again.name, again.description, again.tags.length], ['AFTER', 'Updated description', 2]);
  });

  await check('If-Match and If-None-Match', async () => {
    const made = await mkdir(client, folder, 'matched');
    const stale = { requestBody: { name: 'unmatched' }, headers: { ifMatch: '7' } };
    await refused(folders.updateFolderById(made.id, stale), 412, 'precondition_failed');
    const fresh = await folders.updateFolderById(made.id, { ...stale, headers: { ifMatch: made.etag } });
    assert.deepEqual([fresh.name, fresh.etag], ['unmatched', '1']);
    await turnedDown(folders.deleteFolderById(made.id, { headers: { ifMatch: '0' } }), 412);
    await notModified(client, ({ folders }) => folders.getFolderById(made.id, { headers: { ifNoneMatch: fresh.etag } }));
    const other = await folders.getFolderById(made.id, { headers: { ifNoneMatch: '0' } });
    assert.equal(other.name, 'unmatched');
  });

  await check('move: with a new name, into itself, onto a name', async () => {
    const from = await mkdir(client, folder, 'from');
    const to = await mkdir(client, folder, 'to');
    const child = await mkdir(client, from, 'child');
    const moved = await folders.updateFolderById(child.id, { requestBody: { parent: { id: to.id }, name: 'moved' } });
    assert.deepEqual([moved.id, moved.parent.id, moved.name], [child.id, to.id, 'moved']);
    assert.deepEqual(ids(moved.pathCollection), ['0', folder.id, to.id]);
    assert.ok(Number(moved.etag) > Number(child.etag));
    assert.deepEqual(ids(await folders.getFolderItems(from.id)), []);
    assert.deepEqual(names(await folders.getFolderItems(to.id)), ['moved']);
    const into = (id, parent) => folders.updateFolderById(id, { requestBody: { parent: { id: parent } } });
    await refused(into(to.id, moved.id), 400, 'cyclical_folder_structure');
    await refused(into(to.id, to.id), 400, 'cyclical_folder_structure');
    await mkdir(client, from, 'Moved');
    await refused(into(moved.id, from.id), 409, 'item_name_in_use');
    await refused(into(moved.id, '990017'), 404, 'not_found');
    assert.equal((await folders.getFolderById(moved.id)).parent.id, to.id);
  });

  await check('folders.copyFolder: a tree', async () => {
    const tree = await mkdir(client, folder, 'tree');
    const inner = await mkdir(client, tree, 'inner');
    const bytes = bytesOf('leaf', 3000);
    const leaf = await put(client, inner, 'leaf.bin', bytes);
    const to = await mkdir(client, folder, 'copies');
    const copy = await folders.copyFolder(tree.id, { parent: { id: to.id }, name: 'tree again' });
    assert.deepEqual([copy.name, copy.parent.id, copy.etag, copy.size], ['tree again', to.id, '0', 3000]);
    assert.notEqual(copy.id, tree.id);
    const [innerCopy] = (await folders.getFolderItems(copy.id)).entries;
    assert.deepEqual([innerCopy.name, innerCopy.type], ['inner', 'folder']);
    assert.notEqual(innerCopy.id, inner.id);
    const [leafCopy] = (await folders.getFolderItems(innerCopy.id)).entries;
    assert.deepEqual([leafCopy.name, leafCopy.sha1], ['leaf.bin', leaf.sha1]);
    assert.notEqual(leafCopy.id, leaf.id);
    const plain = await folders.copyFolder(tree.id, { parent: { id: to.id } });
    assert.equal(plain.name, 'tree');
    await refused(folders.copyFolder(tree.id, { parent: { id: to.id } }), 409, 'item_name_in_use');
    await refused(folders.copyFolder(tree.id, { parent: { id: inner.id } }), 400, 'cyclical_folder_structure');
    assert.equal((await folders.getFolderById(tree.id)).size, 3000);
  });

  await check('folders.deleteFolderById', async () => {
    const full = await mkdir(client, folder, 'full');
    const child = await mkdir(client, full, 'child');
    await turnedDown(folders.deleteFolderById(full.id), 400);
    await folders.deleteFolderById(full.id, { queryParams: { recursive: true } });
    await refused(folders.getFolderById(full.id), 404, 'trashed');
    await refused(folders.getFolderById(child.id), 404, 'trashed');
    assert.ok(!ids(await folders.getFolderItems(folder.id, { queryParams: { limit: 1000 } })).includes(full.id));
    await turnedDown(folders.deleteFolderById('990017'), 404);
  });

  const listed = await mkdir(client, folder, 'listed');
  const sizes = { 'b.bin': 300, 'C.bin': 100, 'a.bin': 200 };
  const fileIds = {};
  await check('entries to list', async () => {
    for (const name of ['zeta', 'eta']) await mkdir(client, listed, name);
    for (const [name, size] of Object.entries(sizes)) {
      fileIds[name] = (await put(client, listed, name, bytesOf(name, size))).id;
      await tick();
    }
    await client.webLinks.createWebLink({ url: 'https://example.com/', parent: { id: listed.id }, name: 'a link' });
  });
  const inOrder = ['eta', 'zeta', 'a.bin', 'b.bin', 'C.bin', 'a link']; // folders, files, web links, each by name

  await check('folders.getFolderItems by offset', async () => {
    const all = await folders.getFolderItems(listed.id);
    assert.deepEqual(names(all), inOrder);
    assert.deepEqual([all.totalCount, all.offset, all.limit], [6, 0, 100]);
    assert.deepEqual(all.rawData.order, [{ by: 'type', direction: 'ASC' }, { by: 'name', direction: 'ASC' }]);
    const got = [];
    for (let offset = 0; offset < 6; offset += 4) {
      const page = await folders.getFolderItems(listed.id, { queryParams: { offset, limit: 4 } });
      assert.deepEqual([page.totalCount, page.offset, page.limit], [6, offset, 4]);
      got.push(...names(page));
    }
    assert.deepEqual(got, inOrder);
    const past = await folders.getFolderItems(listed.id, { queryParams: { offset: 50 } });
    assert.deepEqual([past.totalCount, past.entries.length], [6, 0]);
    const clamped = await folders.getFolderItems(listed.id, { queryParams: { limit: 5000 } });
    assert.deepEqual([clamped.limit, clamped.entries.length], [1000, 6]);
    const far = await folders
      .getFolderItems(listed.id, { queryParams: { offset: 10_000 } })
      .then(() => assert.fail('offset 10000 was taken'), (err) => err.responseInfo.statusCode);
    assert.equal(far, 400);
  });

  await check('folders.getFolderItems by marker', async () => {
    const got = await pages((queryParams) => folders.getFolderItems(listed.id, { queryParams }), 4);
    assert.deepEqual(got.map((page) => page.entries.length), [4, 2]);
    assert.deepEqual(new Set(got.flatMap(names)), new Set(inOrder));
    assert.deepEqual([...new Set(got.flatMap(ids))].length, 6);
    for (const page of got) assert.equal(page.limit, 4);
  });

  await check('folders.getFolderItems: Mini entries', async () => {
    const { entries } = (await folders.getFolderItems(listed.id)).rawData;
    const of = (name) => entries.find((entry) => entry.name === name);
    keysOf(of('eta'), ['type', 'id', 'etag', 'sequence_id', 'name'], 'folder');
    keysOf(of('a.bin'), ['type', 'id', 'etag', 'sequence_id', 'name', 'sha1', 'file_version'], 'file');
    keysOf(of('a.bin').file_version, ['type', 'id', 'sha1'], 'file_version');
    keysOf(of('a link'), ['type', 'id', 'etag', 'sequence_id', 'name', 'url'], 'web_link');
  });

  await check('folders.getFolderItems: fields', async () => {
    const page = await folders.getFolderItems(listed.id, { queryParams: { fields: ['name', 'size', 'created_at'] } });
    const file = page.rawData.entries.find((entry) => entry.name === 'a.bin');
    keysOf(file, ['type', 'id', 'etag', 'name', 'size', 'created_at']);
    assert.equal(file.size, 200);
  });

  await check('folders.getFolderItems: sort', async () => {
    const files = async (sort, direction) =>
      (await folders.getFolderItems(listed.id, { queryParams: { sort, direction } })).entries
        .filter((entry) => entry.type === 'file')
        .map((entry) => entry.name);
    assert.deepEqual(await files('name', 'DESC'), ['C.bin', 'b.bin', 'a.bin']);
    assert.deepEqual(await files('size', 'ASC'), ['C.bin', 'a.bin', 'b.bin']);
    assert.deepEqual(await files('size', 'DESC'), ['b.bin', 'a.bin', 'C.bin']);
    assert.deepEqual(await files('date', 'ASC'), ['b.bin', 'C.bin', 'a.bin']);
    assert.deepEqual(await files('date', 'DESC'), ['a.bin', 'C.bin', 'b.bin']);
    const byId = Object.keys(sizes).sort((a, b) => (BigInt(fileIds[a]) < BigInt(fileIds[b]) ? -1 : 1));
    assert.deepEqual(await files('id', 'ASC'), byId);
  });

  await check('item_collection: fields, limit, offset and sort of the folder', async () => {
    const got = await folders.getFolderById(listed.id, {
      queryParams: { fields: ['item_collection', 'size'], limit: 2, offset: 1, sort: 'name', direction: 'DESC' },
    });
    assert.equal(got.size, 600);
    const { itemCollection: items } = got;
    assert.deepEqual([items.totalCount, items.limit, items.offset, items.entries.length], [6, 2, 1, 2]);
  });

  await check('another user sees none of it', async () => {
    const { as } = await newUser(client, 'Folder.Stranger');
    await refused(as.folders.getFolderById(folder.id), 404, 'not_found');
    await refused(as.folders.getFolderItems(folder.id), 404, 'not_found');
    await refused(as.folders.createFolder({ name: 'mine', parent: { id: folder.id } }), 404, 'not_found');
    await refused(as.folders.copyFolder(listed.id, { parent: { id: '0' } }), 404, 'not_found');
    assert.equal((await as.folders.getFolderItems('0')).totalCount, 0);
  });

  await check('a wrong token', async () => {
    const err = await connect({ as: 'nobody', retries: false })
      .folders.getFolderById(folder.id)
      .then(() => assert.fail('accepted'), (err) => err.responseInfo);
    assert.deepEqual([err.statusCode, err.rawBody], [401, '']);
  });
});
