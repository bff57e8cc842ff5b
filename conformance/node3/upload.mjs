// Uploads BOXCAR_FILE into the root folder by the SDK's chunked uploader, with
// its own number of parts at once. It is no check: make bench measures it.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { connect, started } from './box.mjs';
import { setting } from '../node10/check.mjs';

const file = setting('BOXCAR_FILE');
const { size } = await stat(file);
const uploader = await connect().files.getChunkedUploader('0', size, path.basename(file), createReadStream(file));
await started(uploader);
process.exit(); // not when sockets that are kept have timed out
