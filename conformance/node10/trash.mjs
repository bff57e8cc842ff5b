// The trash: list, get, restore, delete for good, of files and folders. Web
// links have theirs in weblinks.mjs.

import assert from 'node:assert/strict';
import { refused, turnedDown } from './box.mjs';
import { area, download, ids, mkdir, pages, put } from './area.mjs';
import { bytesOf, check, hex } from './check.mjs';

await area('trash', async (client, folder) => {
  const { files, folders, trashedFiles, trashedFolders, trashedItems } = client;
  const trash = (entry) =>
    entry.type === 'file'
      ? files.deleteFileById(entry.id)
      : folders.deleteFolderById(entry.id, { queryParams: { recursive: true } });

  await check('trashedFiles.getTrashedFileById', async () => {
    const bytes = bytesOf('gone', 777);
    const file = await put(client, folder, 'gone.bin', bytes);
    await trash(file);
    const gone = await trashedFiles.getTrashedFileById(file.id);
    assert.deepEqual(
      [gone.id, gone.type, gone.name, gone.sha1, gone.size, gone.itemStatus, gone.parent.id, gone.etag, gone.description],
      [file.id, 'file', 'gone.bin', hex('sha1', bytes), 777, 'trashed', folder.id, '1', ''],
    );
    assert.deepEqual(gone.rawData.path_collection, {
      total_count: 1,
      entries: [{ type: 'folder', id: '1', sequence_id: null, etag: null, name: 'Trash' }],
    });
    assert.ok(Math.abs(gone.trashedAt.value - Date.now()) < 60_000, 'trashed_at');
    const days = (gone.purgedAt.value - gone.trashedAt.value) / 86_400_000;
    assert.ok(Math.abs(days - 30) < 0.01, `purged after ${days} days`);
    assert.equal(gone.rawData.shared_link, null);
    assert.ok(gone.ownedBy.id && gone.modifiedBy.id);
    const plain = await files.getFileById(file.id);
    assert.deepEqual([plain.itemStatus, plain.id], ['trashed', file.id]);
    await turnedDown(client.downloads.downloadFile(file.id), 404);
    await refused(trashedFiles.getTrashedFileById(folder.id), 404, 'not_found');
    const live = await put(client, folder, 'live.bin');
    await refused(trashedFiles.getTrashedFileById(live.id), 404, 'not_trashed');
  });

  await check('trashedFiles.restoreFileFromTrash', async () => {
    const bytes = bytesOf('back', 888);
    const file = await put(client, folder, 'back.bin', bytes);
    await trash(file);
    const back = await trashedFiles.restoreFileFromTrash(file.id);
    assert.deepEqual(
      [back.id, back.name, back.itemStatus, back.parent.id, back.sha1, back.etag, back.rawData.trashed_at],
      [file.id, 'back.bin', 'active', folder.id, file.sha1, '2', null],
    );
    assert.deepEqual(ids(back.pathCollection), ['0', folder.id]);
    assert.ok((await download(client, file)).equals(bytes));
    await refused(trashedFiles.restoreFileFromTrash(file.id), 404, 'not_trashed');
  });

  await check('restore with another name and parent', async () => {
    const to = await mkdir(client, folder, 'restored to');
    const file = await put(client, folder, 'clash.bin');
    await trash(file);
    const taken = await put(client, folder, 'Clash.bin', bytesOf('taken', 5));
    const { conflicts } = (await refused(trashedFiles.restoreFileFromTrash(file.id), 409, 'item_name_in_use')).context_info;
    assert.equal([conflicts].flat()[0].id, taken.id);
    const back = await trashedFiles.restoreFileFromTrash(file.id, {
      requestBody: { name: 'no clash.bin', parent: { id: to.id } },
    });
    assert.deepEqual([back.id, back.name, back.parent.id], [file.id, 'no clash.bin', to.id]);
    assert.deepEqual(ids(await folders.getFolderItems(to.id)), [file.id]);
  });

  await check('restore after the parent went', async () => {
    const parent = await mkdir(client, folder, 'parent gone');
    const file = await put(client, parent, 'orphan.bin');
    await trash(file);
    await trash(parent);
    const err = await trashedFiles.restoreFileFromTrash(file.id).then(() => assert.fail('restored'), (err) => err.responseInfo);
    assert.equal(err.statusCode, 403);
    const back = await trashedFiles.restoreFileFromTrash(file.id, { requestBody: { parent: { id: folder.id } } });
    assert.equal(back.parent.id, folder.id);
  });

  await check('trashedFiles.deleteTrashedFileById', async () => {
    const file = await put(client, folder, 'for good.bin');
    await turnedDown(trashedFiles.deleteTrashedFileById(file.id), 404);
    await trash(file);
    await trashedFiles.deleteTrashedFileById(file.id);
    await refused(trashedFiles.getTrashedFileById(file.id), 404, 'not_found');
    await refused(files.getFileById(file.id), 404, 'not_found');
    await turnedDown(trashedFiles.deleteTrashedFileById(file.id), 404);
  });

  await check('a folder in the trash, its contents, and back', async () => {
    const tree = await mkdir(client, folder, 'tree');
    const inner = await mkdir(client, tree, 'inner');
    const bytes = bytesOf('leaf', 999);
    const leaf = await put(client, inner, 'leaf.bin', bytes);
    await trash(tree);
    const gone = await trashedFolders.getTrashedFolderById(tree.id);
    assert.deepEqual(
      [gone.id, gone.type, gone.name, gone.itemStatus, gone.parent.id, gone.size, gone.etag],
      [tree.id, 'folder', 'tree', 'trashed', folder.id, 999, '1'],
    );
    assert.deepEqual(ids(gone.pathCollection), ['1']);
    assert.deepEqual([gone.rawData.shared_link, gone.rawData.folder_upload_email], [null, null]);
    assert.ok(gone.trashedAt && gone.purgedAt && gone.createdBy.id);
    await refused(folders.getFolderById(tree.id), 404, 'trashed');
    // The contents are not in the trash by themselves.
    await refused(trashedFolders.getTrashedFolderById(inner.id), 404, 'not_found');
    await refused(trashedFiles.getTrashedFileById(leaf.id), 404, 'not_found');
    await mkdir(client, folder, 'tree'); // the name is free
    const back = await trashedFolders.restoreFolderFromTrash(tree.id, { requestBody: { name: 'tree again' } });
    assert.deepEqual([back.id, back.name, back.parent.id, back.itemStatus], [tree.id, 'tree again', folder.id, 'active']);
    assert.deepEqual(ids((await files.getFileById(leaf.id)).pathCollection), ['0', folder.id, tree.id, inner.id]);
    assert.ok((await download(client, leaf)).equals(bytes));
    await trash(tree);
    await trashedFolders.deleteTrashedFolderById(tree.id);
    await refused(trashedFolders.getTrashedFolderById(tree.id), 404, 'not_found');
    await refused(files.getFileById(leaf.id), 404, 'not_found');
  });

  await check('trashedItems.getTrashedItems: offset, marker, sort, fields', async () => {
    const mine = [];
    for (const [name, size] of [['t b.bin', 30], ['t a.bin', 50], ['t c.bin', 40]]) {
      mine.push(await put(client, folder, name, bytesOf(name, size)));
    }
    mine.push(await mkdir(client, folder, 't folder'));
    for (const entry of mine) await trash(entry);
    const all = await trashedItems.getTrashedItems({ limit: 1000 });
    assert.ok(all.totalCount >= 4 && all.entries.length === all.totalCount, `${all.totalCount}, ${all.entries.length}`);
    const of = (page) => page.entries.filter((entry) => mine.some(({ id }) => id === entry.id));
    assert.deepEqual(of(all).map((entry) => entry.name), ['t folder', 't a.bin', 't b.bin', 't c.bin']);
    const sized = await trashedItems.getTrashedItems({ limit: 1000, sort: 'size', direction: 'DESC', fields: ['name', 'size'] });
    const sizes = of(sized).filter((entry) => entry.type === 'file').map((entry) => entry.size);
    assert.deepEqual(sizes, [50, 40, 30]);
    const second = await trashedItems.getTrashedItems({ limit: 1, offset: 1 });
    assert.deepEqual([second.entries[0].id, second.offset, second.limit], [all.entries[1].id, 1, 1]);
    const paged = await pages((query) => trashedItems.getTrashedItems(query), 2);
    assert.deepEqual(paged.flatMap(ids).sort(), ids(all).sort());
    for (const entry of mine) {
      if (entry.type === 'file') await trashedFiles.deleteTrashedFileById(entry.id);
      else await trashedFolders.deleteTrashedFolderById(entry.id);
    }
    assert.equal(of(await trashedItems.getTrashedItems({ limit: 1000 })).length, 0);
  });
});
