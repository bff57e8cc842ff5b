// Drives the official Box Node SDK 10, unmodified, against a boxcar server
// with Box's default part sizes and limits.
//
//   BOXCAR_URL            the server, such as http://127.0.0.1:8080
//   BOXCAR_TOKEN          a developer token of its administrator
//   BOXCAR_WORK           a folder for temporary files
//   BOXCAR_BIG_BYTES      size of the big file, default 256 MiB + 12345
//   BOXCAR_SEED           repeats the bytes and the order of an earlier run
//   BOXCAR_CHECK_SECONDS  longest time for one check, default 180

import { check, finish, seed, setting } from './check.mjs';
import { connect } from './box.mjs';
import { changes } from './changes.mjs';
import { chunked } from './chunked.mjs';
import { items } from './items.mjs';

console.log(`seed ${seed}`);
const client = connect();
const work = setting('BOXCAR_WORK');

let folder;
await check('folders.createFolder', async () => {
  folder = await client.folders.createFolder({ name: `node10 ${seed} ${process.pid}`, parent: { id: '0' } });
});
if (!folder) finish();

await items(client, folder, work);
await changes(client, folder);
await chunked(client, folder, work);

await check('folders.deleteFolderById', async () => {
  await client.folders.deleteFolderById(folder.id, { queryParams: { recursive: true } });
  const entries = [];
  for (let page, offset = 0; !page || offset < page.totalCount; offset += 1000) {
    page = await client.folders.getFolderItems('0', { queryParams: { offset, limit: 1000 } });
    entries.push(...page.entries);
  }
  if (entries.some((entry) => entry.id === folder.id)) throw new Error('still listed in the root folder');
});
finish();
