// Every way to a token: developer token, client credentials, JWT, the OAuth
// code flow through the login page, refresh, token exchange, revoke.
//
// Beside BOXCAR_URL and BOXCAR_TOKEN it needs an application and a user:
//
//   BOXCAR_CLIENT_ID, BOXCAR_CLIENT_SECRET   of an application that may use every grant
//   BOXCAR_APP_CONFIG                        the file that boxcar app config made for it
//   BOXCAR_REDIRECT_URI                      the one that it has registered
//   BOXCAR_ENTERPRISE_ID
//   BOXCAR_USER_ID, BOXCAR_LOGIN, BOXCAR_PASSWORD

import assert from 'node:assert/strict';
import { BoxCcgAuth, BoxClient, BoxDeveloperTokenAuth, BoxJwtAuth, BoxOAuth, CcgConfig, JwtConfig, OAuthConfig } from 'box-node-sdk';
import { BoxApiError } from 'box-node-sdk/box';
import { BoxRetryStrategy, NetworkSession } from 'box-node-sdk/networking';
import { connect, refused, turnedDown } from './box.mjs';
import { area, download, ids, mkdir, nothing, put } from './area.mjs';
import { bytesOf, check, seed, setting, token, url } from './check.mjs';

const clientId = setting('BOXCAR_CLIENT_ID');
const clientSecret = setting('BOXCAR_CLIENT_SECRET');
const configFile = setting('BOXCAR_APP_CONFIG');
const redirectUri = setting('BOXCAR_REDIRECT_URI');
const enterpriseId = setting('BOXCAR_ENTERPRISE_ID');
const userId = setting('BOXCAR_USER_ID');
const login = setting('BOXCAR_LOGIN');
const password = setting('BOXCAR_PASSWORD');

const run = `${seed} ${process.pid}`; // what this run puts into root folders is named after it
const baseUrls = { baseUrl: url, uploadUrl: `${url}/api`, oauth2Url: `${url}/api/oauth2` };
// network is for what is asked of an auth object itself: it knows no client's
// URLs. It does not repeat what was refused.
const network = new NetworkSession({
  baseUrls, retryStrategy: new BoxRetryStrategy({ maxAttempts: 1, maxRetriesOnException: 0 }),
});
const as = (auth) => new BoxClient({ auth }).withCustomBaseUrls(baseUrls);
const byToken = (accessToken) => connect({ as: accessToken, retries: false });
const ccg = (more = {}) => new BoxCcgAuth({ config: new CcgConfig({ clientId, clientSecret, ...more }) });

// oauthRefused waits for the token endpoint to answer with error.
async function oauthRefused(call, status, error) {
  const err = await call.then(() => assert.fail(`not refused; ${status} ${error} was expected`), (err) => err);
  if (!(err instanceof BoxApiError)) throw err;
  assert.deepEqual([err.responseInfo.statusCode, err.responseInfo.body.error], [status, error]);
  assert.ok(err.responseInfo.body.error_description);
}

// gone waits for a token to be worth nothing.
async function gone(accessToken) {
  const err = await byToken(accessToken).users.getUserMe().then(() => assert.fail('the token is good'), (err) => err.responseInfo);
  assert.deepEqual([err.statusCode, err.rawBody], [401, '']);
  assert.match(err.headers['www-authenticate'], /^Bearer .*error="invalid_token"/);
}

function isToken(got, refresh = false) {
  assert.ok(got.accessToken.length >= 20);
  assert.equal(got.tokenType, 'bearer');
  assert.ok(Number.isInteger(got.rawData.expires_in) && got.rawData.expires_in > 3500 && got.rawData.expires_in <= 4200, `expires_in ${got.rawData.expires_in}`);
  assert.equal('refresh_token' in got.rawData && got.rawData.refresh_token !== null, refresh, 'refresh_token');
}

// browse goes through the login page as a browser would and returns where it is
// sent in the end.
async function browse(authorizeUrl, { login: who = login, password: secret = password, answer = 'allow' } = {}) {
  const at = authorizeUrl.replace('https://account.box.com', url);
  const first = await fetch(at);
  assert.equal(first.status, 200, 'the login page');
  assert.match(first.headers.get('content-type'), /^text\/html/);
  const cookie = first.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ');
  const post = async (page, fields) =>
    fetch(at.split('?')[0], {
      method: 'POST', redirect: 'manual', headers: { Cookie: cookie },
      body: new URLSearchParams({ ...hidden(await page.text()), ...fields }),
    });
  const second = await post(first, { login: who, password: secret });
  if (second.status !== 200) return { status: second.status, text: await second.text() };
  const third = await post(second, { answer });
  return { status: third.status, location: new URL(third.headers.get('location')) };
}

// hidden are the hidden fields of a page's form.
const hidden = (html) =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map(([, name, value]) => [
      name,
      value.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&'),
    ]),
  );

await area('auth', async (client, folder) => {
  await check('developer token', async () => {
    const auth = new BoxDeveloperTokenAuth({ token });
    const me = await as(auth).users.getUserMe();
    assert.equal(me.id, (await client.users.getUserMe()).id);
    assert.equal(await auth.retrieveAuthorizationHeader(), `Bearer ${token}`);
  });

  await check('client credentials: a user', async () => {
    const auth = ccg({ userId });
    isToken(await auth.retrieveToken(network));
    const me = await as(auth).users.getUserMe();
    assert.deepEqual([me.id, me.login], [userId, login]);
    const other = ccg({ enterpriseId }).withUserSubject(userId);
    assert.equal((await as(other).users.getUserMe()).id, userId);
  });

  let service;
  await check('client credentials: the enterprise, as its service account', async () => {
    const auth = ccg({ enterpriseId });
    const me = await as(auth).users.getUserMe({ fields: ['id', 'name', 'enterprise'] });
    assert.equal(me.enterprise.id, enterpriseId);
    assert.notEqual(me.id, userId);
    assert.notEqual(me.id, (await client.users.getUserMe()).id);
    service = me.id;
    const home = await mkdir(as(auth), { id: '0' }, `of the service account ${run}`);
    assert.equal(home.ownedBy.id, service);
    const again = as(ccg({ userId }).withEnterpriseSubject(enterpriseId));
    assert.equal((await again.users.getUserMe()).id, service);
    const acting = await as(auth).withAsUserHeader(userId).users.getUserMe();
    assert.equal(acting.id, userId, 'As-User of a service account');
  });

  await check('client credentials: refusals', async () => {
    const wrong = new BoxCcgAuth({ config: new CcgConfig({ clientId, clientSecret: 'wrong', userId }) });
    await oauthRefused(wrong.retrieveToken(network), 401, 'invalid_client');
    const nobody = new BoxCcgAuth({ config: new CcgConfig({ clientId: 'nobody', clientSecret, userId }) });
    await oauthRefused(nobody.retrieveToken(network), 401, 'invalid_client');
    const nested = await as(ccg({ userId })).withAsUserHeader(service).users.getUserMe().then(() => assert.fail('accepted'), (err) => err.responseInfo);
    assert.deepEqual([nested.statusCode, nested.rawBody], [403, ''], 'As-User of one who may not');
    await oauthRefused(ccg({ userId: '990017' }).retrieveToken(network), 400, 'invalid_grant');
    await oauthRefused(ccg({ enterpriseId: '990017' }).retrieveToken(network), 400, 'invalid_grant');
  });

  await check('JWT with the configuration that boxcar app config made', async () => {
    const config = JwtConfig.fromConfigFile(configFile);
    assert.deepEqual([config.clientId, config.enterpriseId], [clientId, enterpriseId]);
    assert.match(config.privateKey, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const auth = new BoxJwtAuth({ config });
    isToken(await auth.retrieveToken(network));
    const me = await as(auth).users.getUserMe({ fields: ['enterprise'] });
    assert.deepEqual([me.id, me.enterprise.id], [service, enterpriseId]);
    const user = await as(auth.withUserSubject(userId)).users.getUserMe();
    assert.equal(user.id, userId);
    const back = await as(auth.withUserSubject(userId).withEnterpriseSubject(enterpriseId)).users.getUserMe();
    assert.equal(back.id, service);
  });

  await check('JWT: refusals', async () => {
    const good = JwtConfig.fromConfigFile(configFile);
    const auth = new BoxJwtAuth({ config: good });
    await oauthRefused(auth.withUserSubject('990017').retrieveToken(network), 400, 'invalid_grant');
    await oauthRefused(auth.withEnterpriseSubject('990017').retrieveToken(network), 400, 'invalid_grant');
    await oauthRefused(
      client.authorization.requestAccessToken({
        grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'a.b.c', clientId, clientSecret,
      }),
      400, 'invalid_grant',
    );
  });

  const newOAuth = () => new BoxOAuth({ config: new OAuthConfig({ clientId, clientSecret }) });
  let oauth;
  await check('OAuth: the code flow through the login page', async () => {
    oauth = newOAuth();
    const state = 'a state & more';
    const at = await browse(oauth.getAuthorizeUrl({ redirectUri, state }));
    assert.ok([302, 303].includes(at.status));
    assert.equal(at.location.href.split('?')[0], redirectUri);
    assert.equal(at.location.searchParams.get('state'), state);
    const code = at.location.searchParams.get('code');
    const got = await oauth.getTokensAuthorizationCodeGrant(code, network);
    isToken(got, true);
    assert.equal((await as(oauth).users.getUserMe()).id, userId);
    await oauthRefused(newOAuth().getTokensAuthorizationCodeGrant(code, network), 400, 'invalid_grant');
  });

  await check('OAuth: without a redirect_uri, the one that is registered', async () => {
    const auth = newOAuth();
    const at = await browse(auth.getAuthorizeUrl());
    assert.equal(at.location.href.split('?')[0], redirectUri);
    await auth.getTokensAuthorizationCodeGrant(at.location.searchParams.get('code'), network);
    const file = await put(as(auth), { id: '0' }, `by oauth ${run}.bin`, bytesOf('by oauth', 500));
    assert.equal(file.ownedBy.id, userId);
  });

  await check('OAuth: a wrong password, a no, a foreign redirect', async () => {
    const auth = newOAuth();
    const wrong = await browse(auth.getAuthorizeUrl({ redirectUri }), { password: 'wrong' });
    assert.deepEqual([wrong.status, /wrong/.test(wrong.text)], [403, true]);
    const no = await browse(auth.getAuthorizeUrl({ redirectUri, state: 's' }), { answer: 'deny' });
    assert.deepEqual([no.location.searchParams.get('error'), no.location.searchParams.get('state')], ['access_denied', 's']);
    assert.equal(no.location.searchParams.get('code'), null);
    const foreign = await fetch(
      auth.getAuthorizeUrl({ redirectUri: 'https://attacker.example/cb' }).replace('https://account.box.com', url),
      { redirect: 'manual' },
    );
    assert.deepEqual([foreign.status, foreign.headers.get('location')], [400, null]);
  });

  await check('OAuth: refresh, once', async () => {
    const old = await oauth.tokenStorage.get();
    const fresh = await oauth.refreshToken(network);
    isToken(fresh, true);
    assert.notEqual(fresh.accessToken, old.accessToken);
    assert.notEqual(fresh.refreshToken, old.refreshToken);
    assert.equal((await as(oauth).users.getUserMe()).id, userId);
    await oauthRefused(
      client.authorization.refreshAccessToken({ clientId, clientSecret, refreshToken: old.refreshToken }), 400, 'invalid_grant',
    );
  });

  await check('OAuth: the SDK refreshes by itself after a 401', async () => {
    const { accessToken, refreshToken } = await oauth.tokenStorage.get();
    await oauth.tokenStorage.store({ accessToken: 'worn out', refreshToken, tokenType: 'bearer' });
    assert.equal((await as(oauth).users.getUserMe()).id, userId);
    const now = await oauth.tokenStorage.get();
    assert.ok(now.accessToken !== 'worn out' && now.accessToken !== accessToken);
  });

  await check('downscope: a file, item_rename and item_preview', async () => {
    const auth = ccg({ userId });
    const whole = as(auth);
    const file = await put(whole, { id: '0' }, `downscoped ${run}.txt`);
    const other = await put(whole, { id: '0' }, `not downscoped ${run}.txt`);
    const got = await auth.downscopeToken(['item_rename', 'item_preview'], `https://api.box.com/2.0/files/${file.id}`, undefined, network);
    assert.ok(got.rawData.expires_in > 0 && got.rawData.expires_in <= 4200);
    assert.equal(got.issuedTokenType, 'urn:ietf:params:oauth:token-type:access_token');
    assert.equal(got.refreshToken ?? null, null);
    assert.deepEqual(got.restrictedTo.map((to) => [to.scope, to.object.id]).sort(), [['item_preview', file.id], ['item_rename', file.id]]);
    const small = byToken(got.accessToken);
    assert.equal((await small.files.getFileById(file.id)).name, file.name);
    const renamed = await small.files.updateFileById(file.id, { requestBody: { name: `renamed ${run}.txt` } });
    assert.equal(renamed.name, `renamed ${run}.txt`);
    await turnedDown(small.files.deleteFileById(file.id), 403);
    await turnedDown(small.downloads.downloadFile(file.id), 403);
    for (const call of [
      () => small.files.getFileById(other.id),
      () => small.folders.getFolderItems('0'),
      () => small.folders.createFolder({ name: 'x', parent: { id: '0' } }),
    ]) {
      const err = await call().then(() => assert.fail('not refused'), (err) => err.responseInfo.statusCode);
      assert.ok([403, 404].includes(err), `${err}`);
    }
    await whole.files.deleteFileById(file.id);
  });

  await check('downscope: a folder and what is in it, base_upload and item_download', async () => {
    const auth = ccg({ userId });
    const dir = await mkdir(as(auth), { id: '0' }, `downscoped folder ${run}`);
    const inner = await mkdir(as(auth), dir, 'inner');
    const bytes = bytesOf('scoped', 300);
    const deep = await put(as(auth), inner, 'deep.txt', bytes);
    const got = await auth.downscopeToken(['base_upload', 'item_download'], `${url}/2.0/folders/${dir.id}`, undefined, network);
    const small = byToken(got.accessToken);
    assert.ok((await download(small, deep)).equals(bytes));
    const up = await put(small, inner, 'uploaded by less.txt');
    assert.equal(up.ownedBy.id, userId);
    await turnedDown(small.files.deleteFileById(deep.id), 403);
    await refused(small.folders.updateFolderById(dir.id, { requestBody: { name: 'x' } }), 403, 'insufficient_scope');
    const elsewhere = await put(small, { id: '0' }, 'elsewhere.txt').then(() => assert.fail('not refused'), (err) => err.responseInfo.statusCode);
    assert.ok([403, 404].includes(elsewhere));
  });

  await check('downscope: root_readonly, of a developer token', async () => {
    const file = await put(client, folder, 'read only.txt');
    const got = await new BoxDeveloperTokenAuth({ token, config: { clientId, clientSecret } }).downscopeToken(['root_readonly'], undefined, undefined, network);
    const small = byToken(got.accessToken);
    assert.ok(ids(await small.folders.getFolderItems(folder.id)).includes(file.id));
    assert.equal((await small.files.getFileById(file.id)).sha1, file.sha1);
    await download(small, file);
    await refused(put(small, folder, 'no.txt'), 403, 'insufficient_scope');
    await refused(small.files.updateFileById(file.id, { requestBody: { name: 'no.txt' } }), 403, 'insufficient_scope');
    await turnedDown(small.folders.deleteFolderById(folder.id, { queryParams: { recursive: true } }), 403);
  });

  await check('downscope: through a shared link', async () => {
    const dir = await mkdir(client, folder, 'linked');
    const bytes = bytesOf('linked', 70);
    const file = await put(client, dir, 'linked.txt', bytes);
    const { sharedLink } = await client.sharedLinksFolders.addShareLinkToFolder(dir.id, { sharedLink: { access: 'open' } }, { fields: 'shared_link' });
    const auth = ccg({ userId });
    const got = await auth.downscopeToken(['item_download', 'base_explorer'], undefined, sharedLink.url, network);
    const small = byToken(got.accessToken);
    assert.ok((await download(small, file)).equals(bytes));
    await turnedDown(small.files.deleteFileById(file.id), 403);
    await client.sharedLinksFolders.removeSharedLinkFromFolder(dir.id, { sharedLink: nothing }, { fields: 'shared_link' });
    const err = await small.downloads.downloadFile(file.id).then(() => assert.fail('the link is gone'), (err) => err.responseInfo.statusCode);
    assert.ok([401, 403, 404].includes(err), `${err}`);
  });

  await check('downscope: refusals', async () => {
    const auth = ccg({ userId });
    await oauthRefused(auth.downscopeToken(['no_such_scope'], undefined, undefined, network), 400, 'invalid_scope');
    const mine = await put(client, folder, 'not the user\'s.txt');
    const err = await auth
      .downscopeToken(['item_download'], `${url}/2.0/files/${mine.id}`, undefined, network)
      .then(() => assert.fail('not refused'), (err) => err.responseInfo.statusCode);
    assert.equal(err, 400);
    // A token cannot be made wider again.
    const { accessToken } = await auth.downscopeToken(['root_readonly'], undefined, undefined, network);
    const wider = await new BoxDeveloperTokenAuth({ token: accessToken }).downscopeToken(['root_readwrite'], undefined, undefined, network)
      .then((got) => put(byToken(got.accessToken), { id: '0' }, 'wider.txt'))
      .then(() => assert.fail('a wider token'), (err) => err.responseInfo.statusCode);
    assert.ok([400, 403].includes(wider));
  });

  await check('revoke', async () => {
    const auth = ccg({ userId });
    const { accessToken: first } = await auth.retrieveToken(network);
    assert.equal((await byToken(first).users.getUserMe()).id, userId);
    await auth.revokeToken(network);
    await gone(first);
    assert.notEqual((await auth.retrieveToken(network)).accessToken, first);

    const jwt = new BoxJwtAuth({ config: JwtConfig.fromConfigFile(configFile) });
    const { accessToken: second } = await jwt.retrieveToken(network);
    await jwt.revokeToken(network);
    await gone(second);

    const held = await oauth.tokenStorage.get();
    await oauth.revokeToken(network);
    await gone(held.accessToken);
    await oauthRefused(
      client.authorization.refreshAccessToken({ clientId, clientSecret, refreshToken: held.refreshToken }), 400, 'invalid_grant',
    );
    await client.authorization.revokeAccessToken({ clientId, clientSecret, token: 'never was one' });
  });

  await check('a downscoped token ends with the token it came from', async () => {
    const auth = ccg({ userId });
    const { accessToken } = await auth.downscopeToken(['root_readonly'], undefined, undefined, network);
    assert.equal((await byToken(accessToken).folders.getFolderById('0')).id, '0');
    await auth.revokeToken(network);
    await gone(accessToken);
  });

  await check('unsupported_grant_type', async () => {
    await oauthRefused(client.authorization.requestAccessToken({ grantType: 'password', clientId, clientSecret }), 400, 'unsupported_grant_type');
  });
});
