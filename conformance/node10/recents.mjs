// Recent items.

import assert from 'node:assert/strict';
import { area, newUser, put, putVersion, tick } from './area.mjs';
import { check } from './check.mjs';

await area('recent items', async (client) => {
  const { as } = await newUser(client, 'Recent.User'); // whose recent items are these only
  const home = { id: '0' };
  const recent = (query) => as.recentItems.getRecentItems(query);

  await check('none at first', async () => {
    const none = await recent();
    assert.deepEqual([none.entries, none.limit, none.nextMarker ?? null], [[], 100, null]);
  });

  await check('recentItems.getRecentItems: newest first', async () => {
    const made = [];
    for (const name of ['one.txt', 'two.txt', 'three.txt']) {
      made.push(await put(as, home, name));
      await tick();
    }
    await putVersion(as, made[0], Buffer.from('modified'));
    const page = await recent();
    assert.deepEqual(page.entries.map((entry) => entry.item.id), [made[0].id, made[2].id, made[1].id]);
    for (const entry of page.entries) {
      assert.equal(entry.type, 'recent_item');
      assert.ok(['item_upload', 'item_modify', 'item_open', 'item_preview'].includes(entry.interactionType), entry.interactionType);
      assert.ok(Math.abs(entry.interactedAt.value - Date.now()) < 60_000);
    }
    assert.deepEqual(page.rawData.order, { by: 'interacted_at', direction: 'DESC' });
    assert.deepEqual([page.entries[2].interactionType, page.entries[2].item.name], ['item_upload', 'two.txt']);
  });

  await check('paging and fields', async () => {
    const got = [];
    let marker;
    do {
      const page = await recent({ limit: 2, marker, fields: ['name', 'size'] });
      assert.equal(page.limit, 2);
      got.push(...page.entries.map((entry) => entry.item.name));
      assert.equal('sha1' in page.rawData.entries[0].item, false);
      marker = page.nextMarker;
      assert.notEqual(marker, '');
    } while (marker);
    assert.deepEqual(got, ['one.txt', 'three.txt', 'two.txt']);
  });

  await check('what is in the trash is not recent', async () => {
    const [{ id }] = (await as.folders.getFolderItems('0')).entries;
    await as.files.deleteFileById(id);
    assert.ok(!(await recent()).entries.some((entry) => entry.item.id === id));
  });
});
