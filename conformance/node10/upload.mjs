// Uploads BOXCAR_FILE into the root folder as the SDK does it by itself. It is
// no check: make bench measures it.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { connect } from './box.mjs';
import { setting } from './check.mjs';

const file = setting('BOXCAR_FILE');
const { size } = await stat(file);
await connect().chunkedUploads.uploadBigFile(createReadStream(file), path.basename(file), size, '0');
process.exit(); // not when sockets that are kept have timed out
