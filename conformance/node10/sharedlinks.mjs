// Shared links on files, folders and web links.

import assert from 'node:assert/strict';
import { refused, turnedDown } from './box.mjs';
import { area, download, ids, keysOf, mkdir, newUser, nothing, put, read, until } from './area.mjs';
import { bytesOf, check } from './check.mjs';

const keys = [
  'url', 'download_url', 'vanity_url', 'vanity_name', 'effective_access', 'effective_permission', 'is_password_enabled',
  'unshared_at', 'download_count', 'preview_count', 'access', 'permissions',
];
const fields = { fields: 'shared_link' };
const password = 'Secret123@';
const header = (link, pass) => ({ boxapi: `shared_link=${link.url}${pass ? `&shared_link_password=${pass}` : ''}` });

await area('shared links', async (client, folder) => {
  const bytes = bytesOf('shared', 5000);
  let stranger;
  await check('another user', async () => {
    stranger = await newUser(client, 'Link.Stranger');
  });
  const as = () => stranger.as;

  const kinds = {
    file: {
      make: (name) => put(client, folder, name, bytes),
      add: (id, link) => client.sharedLinksFiles.addShareLinkToFile(id, { sharedLink: link }, fields),
      get: (id) => client.sharedLinksFiles.getSharedLinkForFile(id, fields),
      update: (id, link) => client.sharedLinksFiles.updateSharedLinkOnFile(id, { sharedLink: link }, fields),
      remove: (id) => client.sharedLinksFiles.removeSharedLinkFromFile(id, { sharedLink: nothing }, fields),
      find: (who, headers) => who.sharedLinksFiles.findFileForSharedLink({}, headers),
      plain: (who, id, headers) => who.files.getFileById(id, { headers }),
    },
    folder: {
      make: (name) => mkdir(client, folder, name),
      add: (id, link) => client.sharedLinksFolders.addShareLinkToFolder(id, { sharedLink: link }, fields),
      get: (id) => client.sharedLinksFolders.getSharedLinkForFolder(id, fields),
      update: (id, link) => client.sharedLinksFolders.updateSharedLinkOnFolder(id, { sharedLink: link }, fields),
      remove: (id) => client.sharedLinksFolders.removeSharedLinkFromFolder(id, { sharedLink: nothing }, fields),
      find: (who, headers) => who.sharedLinksFolders.findFolderForSharedLink({}, headers),
      plain: (who, id, headers) => who.folders.getFolderById(id, { headers }),
    },
    web_link: {
      make: (name) => client.webLinks.createWebLink({ url: 'https://example.com/x', name, parent: { id: folder.id } }),
      add: (id, link) => client.sharedLinksWebLinks.addShareLinkToWebLink(id, { sharedLink: link }, fields),
      get: (id) => client.sharedLinksWebLinks.getSharedLinkForWebLink(id, fields),
      update: (id, link) => client.sharedLinksWebLinks.updateSharedLinkOnWebLink(id, { sharedLink: link }, fields),
      remove: (id) => client.sharedLinksWebLinks.removeSharedLinkFromWebLink(id, { sharedLink: nothing }, fields),
      find: (who, headers) => who.sharedLinksWebLinks.findWebLinkForSharedLink({}, headers),
      plain: (who, id, headers) => who.webLinks.getWebLinkById(id, { headers }),
    },
  };

  for (const [kind, on] of Object.entries(kinds)) {
    await check(`${kind}: add, get, find, update, remove`, async () => {
      const item = await on.make(`shared ${kind}`);
      assert.equal((await on.get(item.id)).rawData.shared_link, null);
      const added = await on.add(item.id, { access: 'open', password });
      assert.equal(added.id, item.id);
      const link = added.sharedLink;
      keysOf(added.rawData.shared_link, keys, 'the link');
      keysOf(added.rawData.shared_link.permissions, ['can_preview', 'can_download', 'can_edit'], 'its permissions');
      assert.deepEqual(
        [link.access, link.effectiveAccess, link.isPasswordEnabled, link.downloadCount, link.previewCount, link.permissions.canEdit],
        ['open', 'open', true, 0, 0, false],
      );
      assert.match(link.url, /^https?:\/\//);
      if (kind === 'file') assert.match(link.downloadUrl, /^https?:\/\//);
      assert.equal(added.etag, '1', 'a new link moves the etag');
      assert.equal((await on.get(item.id)).sharedLink.url, link.url);

      await refused(on.plain(as(), item.id), 404, 'not_found');
      const found = await on.find(as(), header(link, password));
      assert.deepEqual([found.id, found.type, found.name], [item.id, kind, `shared ${kind}`]);
      assert.equal((await on.plain(as(), item.id, header(link, password))).id, item.id);
      await refused(on.find(as(), header(link, 'wrong')), 403, 'incorrect_shared_item_password');
      await refused(on.find(as(), header(link)), 403, 'incorrect_shared_item_password');
      await refused(on.find(as(), header({ url: `${link.url}x` })), 404, 'not_found');

      const updated = await on.update(item.id, { access: 'collaborators' });
      assert.deepEqual([updated.sharedLink.access, updated.sharedLink.url], ['collaborators', link.url]);
      await refused(on.find(as(), header(link)), 403, 'access_denied_insufficient_permissions');
      assert.equal((await on.find(client, header(link))).id, item.id, 'its owner');
      const removed = await on.remove(item.id);
      assert.equal(removed.rawData.shared_link, null);
      assert.equal((await on.get(item.id)).rawData.shared_link, null);
      await refused(on.find(as(), header(link)), 404, 'not_found');
    });
  }

  await check('file: the link gives the bytes, and no more than it allows', async () => {
    const file = await kinds.file.make('bytes.bin');
    const open = (await kinds.file.add(file.id, { access: 'open', permissions: { canDownload: true } })).sharedLink;
    assert.deepEqual([open.effectivePermission, open.permissions.canDownload], ['can_download', true]);
    assert.ok((await download(as(), file, { headers: header(open) })).equals(bytes));
    await refused(as().files.updateFileById(file.id, { requestBody: { name: 'theirs' } }), 404, 'not_found');
    const direct = await fetch(open.downloadUrl);
    assert.ok(Buffer.from(await direct.arrayBuffer()).equals(bytes), 'download_url');
    await until('both downloads are counted', async () => (await kinds.file.get(file.id)).sharedLink.downloadCount === 2);
    const shown = await kinds.file.update(file.id, { permissions: { canDownload: false } });
    assert.deepEqual([shown.sharedLink.effectivePermission, shown.sharedLink.permissions.canDownload], ['can_preview', false]);
    await turnedDown(as().downloads.downloadFile(file.id, { headers: header(open) }), 403);
    assert.ok((await download(client, file)).equals(bytes), 'its owner');
  });

  await check('folder: the link opens what is inside', async () => {
    const shared = await kinds.folder.make('opened');
    const inner = await mkdir(client, shared, 'inner');
    const file = await put(client, inner, 'deep.bin', bytes);
    const outside = await put(client, folder, 'outside.bin');
    const link = (await kinds.folder.add(shared.id, { access: 'open' })).sharedLink;
    const headers = header(link);
    assert.deepEqual(ids(await as().folders.getFolderItems(shared.id, { headers })), [inner.id]);
    assert.deepEqual(ids(await as().folders.getFolderItems(inner.id, { headers })), [file.id]);
    assert.ok((await read(await as().downloads.downloadFile(file.id, { headers }))).equals(bytes));
    await refused(as().files.getFileById(outside.id, { headers }), 404, 'not_found');
    await refused(as().folders.getFolderById(folder.id, { headers }), 404, 'not_found');
    const known = await client.files.getFileById(file.id, { queryParams: { fields: ['is_accessible_via_shared_link'] } });
    assert.equal(known.isAccessibleViaSharedLink, true);
  });

  await check('unshared_at, vanity_name, company', async () => {
    const file = await kinds.file.make('detailed.bin');
    const at = new Date(Math.floor(Date.now() / 1000) * 1000 + 86_400_000);
    const vanity = `vanity-${process.pid}-${Date.now()}`;
    const { sharedLink: link } = await kinds.file.add(file.id, { access: 'company', unsharedAt: { value: at }, vanityName: vanity });
    assert.deepEqual([link.access, link.unsharedAt.value.getTime(), link.vanityName], ['company', at.getTime(), vanity]);
    assert.match(link.vanityUrl, new RegExp(`${vanity}$`));
    assert.equal((await kinds.file.find(as(), header({ url: link.vanityUrl }))).id, file.id, 'by vanity URL, in the company');
  });

  await check('files.updateFileById with sharedLink', async () => {
    const file = await kinds.file.make('updated.bin');
    const added = await client.files.updateFileById(file.id, { requestBody: { sharedLink: {} } });
    assert.deepEqual([added.sharedLink.access, added.sharedLink.isPasswordEnabled], ['open', false]);
    const removed = await client.files.updateFileById(file.id, { requestBody: { sharedLink: nothing } });
    assert.equal(removed.rawData.shared_link, null);
  });

  await check('the page of a link, in a browser', async () => {
    const file = await kinds.file.make('browsed.bin');
    const link = (await kinds.file.add(file.id, { access: 'open' })).sharedLink;
    const page = await fetch(link.url, { headers: { Accept: 'text/html' } });
    const html = await page.text();
    assert.deepEqual([page.status, /browsed\.bin/.test(html)], [200, true]);
    assert.match(page.headers.get('content-type'), /^text\/html/);
  });
});
