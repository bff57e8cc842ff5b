// Opens an upload session for a file and uploads its parts, without a commit,
// until all are there or the server is gone: the first half of an upload that
// is cut. resume.mjs is the second.
//
//   BOXCAR_FILE      the file
//   BOXCAR_FOLDER    folder id, default 0
//   BOXCAR_NAME      name on the server, default that of the file
//   BOXCAR_PARALLEL  parts in flight, default 4
//   BOXCAR_RETRIES   "no" gives up at the first failure; the SDK's own retries
//                    otherwise, about ten seconds of them
//
// stdout: "session ID", then "part OFFSET" for each part once the server has
// acknowledged it, then "done". Exit code 1 when an upload failed.

import { connect, putPart } from './box.mjs';
import { inParallel, setting, slots, Source, why } from './check.mjs';

const client = connect({ retries: setting('BOXCAR_RETRIES', 'yes') !== 'no' });
const source = await Source.at(setting('BOXCAR_FILE'));

try {
  const session = await client.chunkedUploads.createFileUploadSession({
    folderId: setting('BOXCAR_FOLDER', '0'),
    fileName: setting('BOXCAR_NAME', source.name),
    fileSize: source.size,
  });
  console.log(`session ${session.id}`);
  await inParallel(Number(setting('BOXCAR_PARALLEL', 4)), slots(source.size, session.partSize), async (slot) => {
    await putPart(client, session, source, slot);
    console.log(`part ${slot.offset}`);
  });
  console.log('done');
  process.exit(0);
} catch (err) {
  console.error(`upload stopped: ${why(err)}`);
  process.exit(1);
}
