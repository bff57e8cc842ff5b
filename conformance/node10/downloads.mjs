// Downloads: whole, in ranges, of a version, by the URL behind them.

import assert from 'node:assert/strict';
import { refused, turnedDown } from './box.mjs';
import { area, download, put, putVersion, read } from './area.mjs';
import { bytesOf, check, token, url } from './check.mjs';

await area('downloads', async (client, folder) => {
  const { downloads } = client;
  const bytes = bytesOf('downloaded', 300_007);
  const later = bytesOf('downloaded later', 200_003);
  let file;
  await check('a file of two versions', async () => {
    file = await put(client, folder, 'a "quoted" Ünïcode name.bin', bytes);
    await putVersion(client, file, later);
  });
  const version = () => ({ queryParams: { version: file.fileVersion.id } });

  await check('downloads.downloadFile', async () => {
    assert.ok((await download(client, file)).equals(later));
  });

  await check('downloads.downloadFile of a version', async () => {
    assert.ok((await download(client, file, version())).equals(bytes));
    await turnedDown(downloads.downloadFile(file.id, { queryParams: { version: '990017' } }), 404);
  });

  await check('downloads.downloadFile of a range', async () => {
    const range = (range, more) => download(client, file, { headers: { range }, ...more });
    assert.ok((await range('bytes=0-0')).equals(later.subarray(0, 1)));
    assert.ok((await range('bytes=1000-1999')).equals(later.subarray(1000, 2000)));
    assert.ok((await range('bytes=200000-')).equals(later.subarray(200_000)));
    assert.ok((await range('bytes=-77')).equals(later.subarray(-77)));
    assert.ok((await range('bytes=250000-250009', version())).equals(bytes.subarray(250_000, 250_010)));
    const beyond = await range('bytes=9999999-').then(() => assert.fail('not refused'), (err) => err.responseInfo.statusCode);
    assert.equal(beyond, 416);
  });

  await check('downloads.getDownloadFileUrl', async () => {
    const link = await downloads.getDownloadFileUrl(file.id);
    const plain = await fetch(link);
    assert.deepEqual([plain.status, plain.headers.get('content-length')], [200, '200003']);
    const disposition = plain.headers.get('content-disposition');
    assert.match(disposition, /filename\*=UTF-8''a%20%22quoted%22%20%C3%9Cn%C3%AFcode%20name\.bin/i);
    assert.equal(plain.headers.get('x-content-type-options'), 'nosniff');
    assert.ok(Buffer.from(await plain.arrayBuffer()).equals(later));
    const part = await fetch(link, { headers: { Range: 'bytes=5-9', Authorization: `Bearer ${token}` } });
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 5-9/200003']);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(later.subarray(5, 10)));
    const head = await fetch(link, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '200003']);
    const old = await fetch(await downloads.getDownloadFileUrl(file.id, version()));
    assert.ok(Buffer.from(await old.arrayBuffer()).equals(bytes));
  });

  await check('?access_token=', async () => {
    const content = `${url}/2.0/files/${file.id}/content`;
    const plain = await fetch(`${content}?access_token=${token}`);
    assert.equal(plain.status, 200);
    assert.ok(Buffer.from(await plain.arrayBuffer()).equals(later));
    const none = await fetch(content);
    assert.deepEqual([none.status, await none.text()], [401, '']);
  });

  await check('an empty file', async () => {
    const empty = await put(client, folder, 'empty.bin', Buffer.alloc(0));
    assert.equal((await download(client, empty)).length, 0);
    const link = await downloads.getDownloadFileUrl(empty.id);
    assert.equal((await (await fetch(link)).arrayBuffer()).byteLength, 0);
  });

  await check('nothing to download', async () => {
    await turnedDown(downloads.downloadFile('990017'), 404);
    await turnedDown(downloads.getDownloadFileUrl('990017'), 404);
    await turnedDown(downloads.downloadFile(folder.id), 404);
  });

  await check('a stream that is not read to its end', async () => {
    const stream = await downloads.downloadFile(file.id);
    for await (const chunk of stream) {
      assert.ok(later.subarray(0, chunk.length).equals(chunk));
      break;
    }
    assert.ok((await read(await downloads.downloadFile(file.id))).equals(later));
  });
});
