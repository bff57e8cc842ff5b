// The Box Node SDK 3, pointed at a boxcar server, and what run.mjs and
// upload.mjs share.

import http from 'node:http';
import https from 'node:https';
import BoxSDK from 'box-node-sdk';
import { token, url } from '../node10/check.mjs';

export const sdk = new BoxSDK({
  clientID: '',
  clientSecret: '',
  apiRootURL: url,
  uploadAPIRootURL: `${url}/api`,
  authorizeRootURL: `${url}/api`,
  // The SDK's own agent speaks https only.
  request: { agentClass: url.startsWith('https:') ? https.Agent : http.Agent },
});

export const connect = () => sdk.getBasicClient(token);

// started runs an uploader to its end. Of a part's failure the SDK only emits
// an event, and would then wait for ever.
export function started(uploader) {
  return new Promise((resolve, reject) => {
    uploader.on('chunkError', reject);
    uploader.on('error', ({ error }) => reject(error));
    uploader.start().then(resolve, reject);
  });
}
