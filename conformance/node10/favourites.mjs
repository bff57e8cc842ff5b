// Collections: the favourites.

import assert from 'node:assert/strict';
import { refused } from './box.mjs';
import { area, ids, keysOf, mkdir, newUser, put } from './area.mjs';
import { check } from './check.mjs';

await area('collections', async (admin) => {
  const { as: client } = await newUser(admin, 'Fond.User'); // whose favourites are these only
  const folder = await mkdir(client, { id: '0' }, 'favourites');
  const { collections } = client;
  let favourites;

  await check('collections.getCollections and getCollectionById', async () => {
    const all = await collections.getCollections();
    assert.deepEqual([all.totalCount, all.entries.length, all.offset], [1, 1, 0]);
    [favourites] = all.entries;
    assert.deepEqual([favourites.type, favourites.name, favourites.collectionType], ['collection', 'Favorites', 'favorites']);
    assert.match(favourites.id, /^[0-9]+$/);
    assert.deepEqual((await collections.getCollectionById(favourites.id)).rawData, all.rawData.entries[0]);
    await refused(collections.getCollectionById('990017'), 404, 'not_found');
    assert.deepEqual((await collections.getCollectionItems(favourites.id)).entries, []);
  });

  await check('add, list, remove: a folder, a file, a web link', async () => {
    const dir = await mkdir(client, folder, 'favourite folder');
    const file = await put(client, folder, 'favourite.txt');
    const link = await client.webLinks.createWebLink({ url: 'https://example.com/f', name: 'favourite link', parent: { id: folder.id } });
    const mark = [{ id: favourites.id }];
    const marked = await client.folders.updateFolderById(dir.id, {
      requestBody: { collections: mark }, queryParams: { fields: ['collections'] },
    });
    assert.deepEqual(marked.rawData.collections.map((c) => [c.type, c.id, c.collection_type]), [['collection', favourites.id, 'favorites']]);
    assert.equal(marked.etag, dir.etag, 'a collection moved the etag');
    await client.files.updateFileById(file.id, { requestBody: { collections: mark } });
    // The SDK knows no collections of web links, the server does.
    await client.makeRequest({
      url: `${client.networkSession.baseUrls.baseUrl}/2.0/web_links/${link.id}`, method: 'PUT', data: { collections: mark },
    });
    const page = await collections.getCollectionItems(favourites.id);
    assert.deepEqual([page.totalCount, page.offset, page.limit], [3, 0, 100]);
    assert.deepEqual(ids(page).sort(), [dir.id, file.id, link.id].sort());
    assert.deepEqual(new Set(page.entries.map((entry) => entry.type)), new Set(['folder', 'file', 'web_link']));
    const second = await collections.getCollectionItems(favourites.id, { queryParams: { limit: 1, offset: 1, fields: ['name'] } });
    assert.deepEqual([second.totalCount, ids(second)], [3, [page.entries[1].id]]);
    keysOf(second.rawData.entries[0], ['type', 'id', 'etag', 'name']);
    await client.files.deleteFileById(file.id);
    assert.ok(!ids(await collections.getCollectionItems(favourites.id)).includes(file.id), 'what is in the trash is listed');
    await client.folders.updateFolderById(dir.id, { requestBody: { collections: [] } });
    const left = await collections.getCollectionItems(favourites.id);
    assert.deepEqual([left.totalCount, ids(left)], [1, [link.id]]);
    const got = await client.folders.getFolderById(dir.id, { queryParams: { fields: ['collections'] } });
    assert.deepEqual(got.rawData.collections, []);
  });

  await check('each user has their own', async () => {
    const { as } = await newUser(admin, 'Fond.Stranger');
    const [theirs] = (await as.collections.getCollections()).entries;
    assert.deepEqual((await as.collections.getCollectionItems(theirs.id)).entries, []);
  });
});
