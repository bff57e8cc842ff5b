// Search: words, type, ancestor, extensions, dates, size, owner, sort, paging.

import assert from 'node:assert/strict';
import { area, ids, keysOf, mkdir, names, newUser, put, tick, until } from './area.mjs';
import { bytesOf, check, seed } from './check.mjs';

await area('search', async (client, folder) => {
  const word = `quokka${seed}x${process.pid}`; // of this run only
  const find = (query) => client.search.searchForContent({ query: word, ancestorFolderIds: [folder.id], ...query });
  const found = async (query) => names(await find(query)).sort();
  let inner, txt, png, dir, link;
  const begun = new Date(Date.now() - 5000).toISOString().replace(/\.\d+/, '');

  await check('items to find', async () => {
    inner = await mkdir(client, folder, 'inner');
    txt = await put(client, folder, `${word} report.txt`, bytesOf('txt', 100));
    await tick();
    png = await put(client, inner, `picture of a ${word}.PNG`, bytesOf('png', 5000));
    await tick();
    dir = await mkdir(client, inner, `${word} folder`);
    link = await client.webLinks.createWebLink({ url: 'https://example.com/q', name: `${word} link`, parent: { id: folder.id } });
    const described = await put(client, folder, 'plain name.bin', bytesOf('bin', 300));
    await client.files.updateFileById(described.id, { requestBody: { description: `about the ${word}` } });
    await until('all five are found', async () => (await find()).totalCount === 5);
  });

  await check('search.searchForContent: the reply', async () => {
    const page = await find();
    assert.deepEqual([page.type, page.totalCount, page.offset, page.limit], ['search_results_items', 5, 0, 30]);
    const file = page.entries.find((entry) => entry.id === txt.id);
    assert.deepEqual([file.type, file.size, file.sha1, file.parent.id], ['file', 100, txt.sha1, folder.id]); // Standard
    assert.equal((await client.search.searchForContent({ query: `${word}zzz` })).totalCount, 0);
    const shared = await find({ includeRecentSharedLinks: true });
    assert.equal(shared.type, 'search_results_with_shared_links');
    assert.deepEqual(shared.entries.map((entry) => entry.item.id).sort(), ids(page).sort());
    assert.ok(shared.entries.every((entry) => entry.type === 'search_result'));
  });

  await check('in names, in any case, several words, a phrase', async () => {
    assert.deepEqual(await found({ query: `${word.toUpperCase()} REPORT` }), [txt.name]);
    assert.deepEqual(await found({ query: `"picture of a ${word}"` }), [png.name]);
    assert.deepEqual(await found({ contentTypes: ['name'] }), [txt.name, png.name, dir.name, link.name].sort());
    assert.deepEqual(await found({ contentTypes: ['description'] }), ['plain name.bin']);
  });

  await check('type', async () => {
    assert.deepEqual(await found({ type: 'folder' }), [dir.name]);
    assert.deepEqual(await found({ type: 'web_link' }), [link.name]);
    assert.deepEqual(await found({ type: 'file' }), [txt.name, png.name, 'plain name.bin'].sort());
  });

  await check('fileExtensions', async () => {
    assert.deepEqual(await found({ fileExtensions: ['png'] }), [png.name]);
    assert.deepEqual(await found({ fileExtensions: ['png', 'txt'] }), [txt.name, png.name].sort());
  });

  await check('ancestorFolderIds', async () => {
    assert.deepEqual(await found({ ancestorFolderIds: [inner.id] }), [png.name, dir.name].sort());
    assert.equal((await find({ ancestorFolderIds: ['0'] })).totalCount, 5);
    assert.equal((await find({ ancestorFolderIds: [dir.id] })).totalCount, 0);
  });

  await check('sizeRange', async () => {
    assert.deepEqual(await found({ type: 'file', sizeRange: [200, 400] }), ['plain name.bin']);
    assert.deepEqual(await found({ type: 'file', sizeRange: [4000, 6000] }), [png.name]);
  });

  await check('createdAtRange and updatedAtRange', async () => {
    const end = new Date(Date.now() + 5000).toISOString().replace(/\.\d+/, '');
    assert.equal((await find({ createdAtRange: [begun, end] })).totalCount, 5);
    assert.equal((await find({ createdAtRange: ['2001-01-01T00:00:00Z', '2002-01-01T00:00:00Z'] })).totalCount, 0);
    const picture = (await client.files.getFileById(png.id)).rawData.modified_at;
    assert.deepEqual(await found({ type: 'file', updatedAtRange: [picture, picture] }), [png.name]);
    assert.equal((await find({ updatedAtRange: [begun, ''] })).totalCount, 5);
  });

  await check('ownerUserIds', async () => {
    const me = await client.users.getUserMe();
    assert.equal((await find({ ownerUserIds: [me.id] })).totalCount, 5);
    const { user, as } = await newUser(client, 'Search.Stranger');
    assert.equal((await find({ ownerUserIds: [user.id] })).totalCount, 0);
    assert.equal((await as.search.searchForContent({ query: word })).totalCount, 0, 'what another user finds');
  });

  await check('sort by modified_at', async () => {
    const sorted = async (direction) => ids(await find({ type: 'file', sort: 'modified_at', direction }));
    const descending = await sorted('DESC');
    assert.ok(descending.indexOf(txt.id) > descending.indexOf(png.id));
    assert.deepEqual(await sorted('ASC'), [...descending].reverse());
  });

  await check('paging', async () => {
    const got = [];
    for (let offset = 0; offset < 5; offset += 2) {
      const page = await find({ offset, limit: 2 });
      assert.deepEqual([page.totalCount, page.offset, page.limit, page.entries.length], [5, offset, 2, Math.min(2, 5 - offset)]);
      got.push(...ids(page));
    }
    assert.deepEqual(got, ids(await find()));
    assert.equal((await find({ limit: 1000 })).limit, 200);
  });

  await check('fields', async () => {
    const page = await find({ type: 'file', fileExtensions: ['txt'], fields: ['name', 'size'] });
    keysOf(page.rawData.entries[0], ['type', 'id', 'etag', 'name', 'size']);
  });

  await check('trashContent', async () => {
    await client.files.deleteFileById(txt.id);
    await until('it is not found', async () => (await find()).totalCount === 4);
    const trashed = await client.search.searchForContent({ query: word, trashContent: 'trashed_only' });
    assert.deepEqual(ids(trashed), [txt.id]);
    const all = await client.search.searchForContent({ query: word, trashContent: 'all_items' });
    assert.equal(all.totalCount, 5);
    await client.trashedFiles.restoreFileFromTrash(txt.id);
    await until('it is found again', async () => (await find()).totalCount === 5);
  });

  await check('a rename is found at once', async () => {
    await client.files.updateFileById(txt.id, { requestBody: { name: `numbat ${word}.txt` } });
    assert.deepEqual(await found({ query: `numbat ${word}` }), [`numbat ${word}.txt`]);
    assert.deepEqual(await found({ query: `${word} report` }), []);
  });
});
