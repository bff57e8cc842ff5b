// Web links: create, get, update, move, delete, trash, restore.

import assert from 'node:assert/strict';
import { refused } from './box.mjs';
import { area, ids, mkdir, names } from './area.mjs';
import { check } from './check.mjs';

await area('web links', async (client, folder) => {
  const { webLinks, trashedWebLinks } = client;
  const address = 'https://example.com/a?b=c#d';
  const make = (name, more = {}) => webLinks.createWebLink({ url: address, name, parent: { id: folder.id }, ...more });

  await check('webLinks.createWebLink and getWebLinkById', async () => {
    const me = await client.users.getUserMe();
    const made = await make('made', { description: 'Weblink description' });
    assert.deepEqual(
      [made.type, made.url, made.name, made.description, made.parent.id, made.etag, made.sequenceId, made.itemStatus],
      ['web_link', address, 'made', 'Weblink description', folder.id, '0', '0', 'active'],
    );
    assert.deepEqual(ids(made.pathCollection), ['0', folder.id]);
    assert.deepEqual([made.createdBy.id, made.modifiedBy.id, made.ownedBy.id], [me.id, me.id, me.id]);
    assert.ok(made.createdAt && made.modifiedAt);
    assert.deepEqual((await webLinks.getWebLinkById(made.id)).rawData, made.rawData);
    assert.ok(ids(await client.folders.getFolderItems(folder.id)).includes(made.id));
    const nameless = await webLinks.createWebLink({ url: 'https://example.com/nameless', parent: { id: folder.id } });
    assert.ok(nameless.name.length > 0, 'a name made of the URL');
  });

  await check('webLinks.createWebLink: refusals', async () => {
    await make('taken');
    const body = await refused(make('TAKEN'), 409, 'item_name_in_use');
    assert.equal([body.context_info.conflicts].flat()[0].type, 'web_link');
    await refused(make('lost', { parent: { id: '990017' } }), 404, 'not_found');
    await refused(make('a/b'), 400, 'item_name_invalid');
    const status = await make('no URL', { url: 'nonsense' }).then(() => 201, (err) => err.responseInfo.statusCode);
    assert.equal(status, 400);
    await refused(webLinks.getWebLinkById('990017'), 404, 'not_found');
  });

  await check('webLinks.updateWebLinkById', async () => {
    const to = await mkdir(client, folder, 'links moved to');
    const made = await make('before');
    const update = (requestBody) => webLinks.updateWebLinkById(made.id, { requestBody });
    const changed = await update({ name: 'after', url: 'https://example.com/other', description: 'other' });
    assert.deepEqual(
      [changed.id, changed.name, changed.url, changed.description, changed.etag],
      [made.id, 'after', 'https://example.com/other', 'other', '1'],
    );
    const moved = await update({ parent: { id: to.id } });
    assert.deepEqual([moved.parent.id, moved.etag], [to.id, '2']);
    assert.deepEqual(names(await client.folders.getFolderItems(to.id)), ['after']);
    const shared = await update({ sharedLink: { access: 'open', password: 'super-secret-password' } });
    assert.deepEqual([shared.sharedLink.access, shared.sharedLink.isPasswordEnabled], ['open', true]);
    await refused(webLinks.updateWebLinkById('990017', { requestBody: { name: 'x' } }), 404, 'not_found');
  });

  await check('delete, the trash, restore, delete for good', async () => {
    const made = await make('thrown away', { description: 'a description' });
    await webLinks.deleteWebLinkById(made.id);
    assert.ok(!ids(await client.folders.getFolderItems(folder.id)).includes(made.id));
    const plain = await webLinks.getWebLinkById(made.id);
    assert.deepEqual([plain.id, plain.itemStatus], [made.id, 'trashed']);
    const trashed = await trashedWebLinks.getTrashedWebLinkById(made.id);
    assert.deepEqual(
      [trashed.id, trashed.type, trashed.name, trashed.url, trashed.itemStatus, trashed.parent.id, trashed.description],
      [made.id, 'web_link', 'thrown away', address, 'trashed', folder.id, 'a description'],
    );
    assert.deepEqual(ids(trashed.pathCollection), ['1']);
    assert.ok(trashed.trashedAt);
    const listed = await client.trashedItems.getTrashedItems({ limit: 1000 });
    assert.ok(ids(listed).includes(made.id));
    await make('thrown away'); // the name is free
    await refused(trashedWebLinks.restoreWeblinkFromTrash(made.id), 409, 'item_name_in_use');
    const back = await trashedWebLinks.restoreWeblinkFromTrash(made.id, { requestBody: { name: 'back again' } });
    assert.deepEqual([back.id, back.name, back.url, back.itemStatus], [made.id, 'back again', address, 'active']);
    await refused(trashedWebLinks.getTrashedWebLinkById(made.id), 404, 'not_trashed');
    await webLinks.deleteWebLinkById(made.id);
    await trashedWebLinks.deleteTrashedWebLinkById(made.id);
    await refused(trashedWebLinks.getTrashedWebLinkById(made.id), 404, 'not_found');
    await refused(webLinks.getWebLinkById(made.id), 404, 'not_found');
  });
});
