// Events: now, the user's stream, the administrator's, the long poll.

import assert from 'node:assert/strict';
import { area, mkdir, newUser, pause, put, putVersion, until } from './area.mjs';
import { check, url } from './check.mjs';

await area('events', async (client, folder) => {
  const { events } = client;
  const now = async (who = client, streamType) => {
    const at = await who.events.getEvents({ streamPosition: 'now', streamType });
    assert.deepEqual([at.chunkSize, at.entries.length], [0, 0]);
    assert.equal(typeof at.rawData.next_stream_position, 'number');
    assert.ok(at.nextStreamPosition > 0);
    return String(at.nextStreamPosition);
  };
  // since reads a stream to its end.
  const since = async (streamPosition, query = {}, who = client) => {
    const all = [];
    for (let position = streamPosition; ; ) {
      const page = await who.events.getEvents({ streamPosition: position, ...query });
      assert.equal(page.chunkSize, page.entries.length, 'chunk_size');
      if (page.entries.length === 0) return all;
      all.push(...page.entries);
      position = String(page.nextStreamPosition);
    }
  };
  const kinds = (entries) => entries.map((entry) => entry.eventType);

  await check('each thing that is done is one event', async () => {
    const from = await now();
    const file = await put(client, folder, 'evented.txt');
    const dir = await mkdir(client, folder, 'evented');
    await client.files.updateFileById(file.id, { requestBody: { name: 'renamed.txt' } });
    await client.files.updateFileById(file.id, { requestBody: { parent: { id: dir.id } } });
    const copy = await client.files.copyFile(file.id, { parent: { id: folder.id } });
    await client.files.deleteFileById(file.id);
    await client.trashedFiles.restoreFileFromTrash(file.id);
    await putVersion(client, { id: file.id, name: 'renamed.txt' }, Buffer.from('again'));
    const got = await since(from);
    const raw = (await events.getEvents({ streamPosition: from })).rawData.entries;
    assert.deepEqual(kinds(got), [
      'ITEM_UPLOAD', 'ITEM_CREATE', 'ITEM_RENAME', 'ITEM_MOVE', 'ITEM_COPY', 'ITEM_TRASH', 'ITEM_UNDELETE_VIA_TRASH', 'ITEM_UPLOAD',
    ]);
    assert.equal(new Set(got.map((entry) => entry.eventId)).size, got.length, 'event_id');
    const me = await client.users.getUserMe();
    for (const [i, entry] of got.entries()) {
      assert.deepEqual([entry.type, entry.createdBy.id], ['event', me.id]);
      assert.ok(entry.createdAt && entry.recordedAt && entry.eventId);
      assert.ok(Math.abs(entry.createdAt.value - Date.now()) < 60_000);
      const { source } = raw[i];
      for (const at of ['created_at', 'modified_at', 'content_created_at', 'content_modified_at']) {
        assert.equal(typeof source[at], 'string', `${entry.eventType} ${at}`);
      }
      assert.match(source.parent.id, /^[0-9]+$/);
    }
    assert.deepEqual(got.map((entry) => entry.source.id), [file.id, dir.id, file.id, file.id, copy.id, file.id, file.id, file.id]);
    assert.deepEqual([got[0].source.type, got[1].source.type], ['file', 'folder']);
  });

  await check('limit, and positions that miss nothing', async () => {
    const from = await now();
    const made = [];
    for (let i = 0; i < 7; i++) made.push((await mkdir(client, folder, `paged ${i}`)).id);
    const first = await events.getEvents({ streamPosition: from, limit: 3 });
    assert.deepEqual([first.chunkSize, first.entries.map((entry) => entry.source.id)], [3, made.slice(0, 3)]);
    assert.deepEqual((await since(from, { limit: 2 })).map((entry) => entry.source.id), made);
    const again = await since(from, { limit: 2 });
    assert.deepEqual(again.map((entry) => entry.source.id), made, 'the same position again');
  });

  await check('stream types all, changes, sync; from 0', async () => {
    const from = await now();
    const dir = await mkdir(client, folder, 'typed');
    for (const streamType of ['all', 'changes', 'sync']) {
      assert.deepEqual((await since(from, { streamType })).map((entry) => entry.source.id), [dir.id], streamType);
    }
    const start = await events.getEvents({ streamPosition: '0', limit: 5 });
    assert.equal(start.chunkSize, 5);
    assert.equal((await events.getEvents()).entries.length > 0, true, 'without a position');
  });

  await check('another user has a stream of their own', async () => {
    const { user, as } = await newUser(client, 'Event.Stranger');
    const from = await now(as);
    await mkdir(client, folder, 'not theirs');
    assert.deepEqual(await since(from, {}, as), []);
    const theirs = await as.folders.createFolder({ name: 'theirs', parent: { id: '0' } });
    const got = await since(from, {}, as);
    assert.deepEqual(got.map((entry) => [entry.eventType, entry.source.id, entry.createdBy.id]), [['ITEM_CREATE', theirs.id, user.id]]);
  });

  await check('admin_logs', async () => {
    const file = await put(client, folder, 'logged.txt');
    const { user } = await newUser(client, 'Event.Leaver');
    await client.users.deleteUserById(user.id);
    const day = 86_400_000;
    const range = { createdAfter: { value: new Date(Date.now() - day) }, createdBefore: { value: new Date(Date.now() + day) } };
    const all = async (eventType) => since('0', { streamType: 'admin_logs', eventType, ...range });
    const uploads = await all(['UPLOAD']);
    assert.deepEqual(new Set(kinds(uploads)), new Set(['UPLOAD']));
    const mine = uploads.find((entry) => entry.source.itemId === file.id);
    assert.deepEqual(
      [mine.source.itemType, mine.source.itemName, mine.source.parent.id, mine.source.ownedBy.id],
      ['file', 'logged.txt', folder.id, (await client.users.getUserMe()).id],
    );
    const [deleted] = (await all(['DELETE_USER'])).slice(-1);
    assert.deepEqual([deleted.eventType, deleted.source.type, deleted.source.id], ['DELETE_USER', 'user', user.id]);
    const both = await all(['UPLOAD', 'NEW_USER']);
    assert.deepEqual(new Set(kinds(both)), new Set(['UPLOAD', 'NEW_USER']));
    const old = await events.getEvents({
      streamType: 'admin_logs',
      createdAfter: { value: new Date(Date.now() - 9 * day) }, createdBefore: { value: new Date(Date.now() - 8 * day) },
    });
    assert.equal(old.entries.length, 0);
    const one = await events.getEvents({ streamType: 'admin_logs', limit: 1, ...range });
    assert.equal(one.entries.length, 1);
  });

  await check('admin_logs_streaming', async () => {
    const from = await now(client, 'admin_logs_streaming');
    const file = await put(client, folder, 'streamed.txt');
    const got = await since(from, { streamType: 'admin_logs_streaming' });
    assert.deepEqual(got.map((entry) => [entry.eventType, entry.source.itemId]), [['UPLOAD', file.id]]);
  });

  await check('admin streams are not for others', async () => {
    const { as } = await newUser(client, 'Event.Plain');
    const err = await as.events.getEvents({ streamType: 'admin_logs' }).then(() => assert.fail('not refused'), (err) => err.responseInfo);
    assert.equal(err.statusCode, 403);
  });

  await check('events.getEventsWithLongPolling', async () => {
    const servers = await events.getEventsWithLongPolling();
    assert.equal(servers.chunkSize, 1);
    const [server] = servers.entries;
    assert.deepEqual(
      [server.type, server.ttl, server.maxRetries, server.retryTimeout],
      ['realtime_server', '10', '10', 610],
    );
    assert.ok(server.url.startsWith(url), server.url);
    const from = await now();
    const poll = (position) =>
      fetch(`${server.url}${server.url.includes('?') ? '&' : '?'}stream_position=${position}`).then((reply) => reply.json());
    const waiting = poll(from);
    await pause(300);
    await mkdir(client, folder, 'wakes the poll');
    const made = Date.now();
    assert.deepEqual(await waiting, { message: 'new_change' });
    assert.ok(Date.now() - made < 1000, `woke after ${Date.now() - made} ms`);
    assert.deepEqual(await poll(from), { message: 'new_change' }, 'a position with news behind it');
  });

  await check('events.getEventStream', async () => {
    const stream = events.getEventStream();
    const got = [];
    const faults = [];
    stream.on('data', (event) => got.push(event));
    stream.on('error', (err) => faults.push(err));
    try {
      await pause(700); // it asks for now, and polls
      const wanted = [];
      for (const name of ['first', 'second']) {
        const { id } = await mkdir(client, folder, `streamed ${name}`);
        wanted.push(id);
        await until(`the event of the ${name}`, () => got.some((event) => event.source?.id === id), 5000);
      }
      assert.deepEqual(got.map((event) => [event.eventType, event.source.id]), wanted.map((id) => ['ITEM_CREATE', id]));
      assert.deepEqual(faults, []);
    } finally {
      stream.destroy();
    }
  });
});
