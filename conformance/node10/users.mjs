// Users: create, get, list, update, delete, me, and acting as one.

import assert from 'node:assert/strict';
import { connect, refused } from './box.mjs';
import { area, ids, keysOf, mkdir, newUser, pages, put, read } from './area.mjs';
import { bytesOf, check, seed } from './check.mjs';

await area('users', async (client) => {
  const { users } = client;
  const tail = `.${seed}.${process.pid}@example.com`;
  const create = (name, more = {}) => users.createUser({ name, login: `${name.replaceAll(' ', '.')}${tail}`.toLowerCase(), ...more });

  await check('users.getUserMe', async () => {
    const me = await users.getUserMe();
    assert.deepEqual([me.type, me.status], ['user', 'active']);
    assert.match(me.id, /^[0-9]+$/);
    assert.match(me.login, /@/);
    for (const key of [
      'created_at', 'modified_at', 'language', 'timezone', 'space_amount', 'space_used', 'max_upload_size', 'status',
      'job_title', 'phone', 'address', 'avatar_url',
    ]) {
      assert.ok(key in me.rawData, key);
    }
    assert.equal('role' in me.rawData, false, 'a Full field unasked');
    assert.equal(typeof me.spaceAmount, 'number');
    const named = await users.getUserMe({ fields: ['name', 'enterprise'] });
    keysOf(named.rawData, ['type', 'id', 'name', 'enterprise']);
    assert.equal(named.enterprise.type, 'enterprise');
    assert.match(named.enterprise.id, /^[0-9]+$/);
    const full = await users.getUserMe({
      fields: [
        'role', 'tracking_codes', 'can_see_managed_users', 'is_sync_enabled', 'is_external_collab_restricted',
        'is_exempt_from_device_limits', 'is_exempt_from_login_verification', 'enterprise', 'my_tags', 'hostname',
        'is_platform_access_only', 'external_app_user_id',
      ],
    });
    assert.deepEqual([full.role, full.trackingCodes, full.isPlatformAccessOnly], ['admin', [], false]);
    assert.deepEqual(await users.getUserById(me.id).then((user) => user.rawData), me.rawData);
  });

  await check('users.createUser, getUserById', async () => {
    const user = await create('New User', {
      jobTitle: 'Clerk', phone: '555', address: '1 Way', language: 'de', timezone: 'Europe/Berlin', spaceAmount: 5_000_000,
      isPlatformAccessOnly: false,
    });
    assert.deepEqual(
      [user.type, user.name, user.login, user.jobTitle, user.phone, user.address, user.language, user.timezone, user.spaceAmount, user.status],
      ['user', 'New User', `new.user${tail}`, 'Clerk', '555', '1 Way', 'de', 'Europe/Berlin', 5_000_000, 'active'],
    );
    assert.equal(user.spaceUsed, 0);
    const got = await users.getUserById(user.id);
    assert.deepEqual([got.id, got.name, got.login], [user.id, user.name, user.login]);
    const role = await users.getUserById(user.id, { queryParams: { fields: ['role', 'enterprise'] } });
    assert.equal(role.role, 'user');
    assert.equal(role.enterprise.id, (await users.getUserMe({ fields: ['enterprise'] })).enterprise.id);
    await refused(create('New User', { login: `NEW.user${tail}` }), 409, 'user_login_already_used');
    await refused(users.getUserById('990017'), 404, 'not_found');
  });

  await check('an application user without a login', async () => {
    const user = await users.createUser({ name: 'App User', isPlatformAccessOnly: true, externalAppUserId: `ext-${seed}-${process.pid}` });
    assert.match(user.login, /@/);
    const found = await users.getUsers({ externalAppUserId: `ext-${seed}-${process.pid}` });
    assert.deepEqual(ids(found), [user.id]);
    const full = await users.getUserById(user.id, { queryParams: { fields: ['is_platform_access_only', 'external_app_user_id'] } });
    assert.deepEqual([full.isPlatformAccessOnly, full.externalAppUserId], [true, `ext-${seed}-${process.pid}`]);
  });

  await check('users.getUsers', async () => {
    const made = [];
    for (const name of ['Lister A', 'Lister B', 'Lister C']) made.push((await create(name)).id);
    const found = await users.getUsers({ filterTerm: 'lister' });
    assert.deepEqual([found.totalCount, ids(found).sort()], [3, made.sort()]);
    const one = await users.getUsers({ filterTerm: `lister.b${tail}` });
    assert.deepEqual(one.entries.map((user) => user.name), ['Lister B']);
    const page = await users.getUsers({ filterTerm: 'lister', limit: 2, offset: 2 });
    assert.deepEqual([page.totalCount, page.entries.length, page.offset, page.limit], [3, 1, 2, 2]);
    const marked = await pages((query) => users.getUsers({ filterTerm: 'lister', ...query }), 2);
    assert.deepEqual(marked.flatMap(ids).sort(), made.sort());
    const fields = await users.getUsers({ filterTerm: 'lister', fields: ['name', 'status'] });
    keysOf(fields.rawData.entries[0], ['type', 'id', 'name', 'status']);
    assert.ok((await users.getUsers({ userType: 'managed', limit: 1000 })).totalCount >= 4);
  });

  await check('users.updateUserById', async () => {
    const user = await create('To Update');
    const updated = await users.updateUserById(user.id, {
      requestBody: { name: 'Updated', jobTitle: 'Boss', spaceAmount: 10_000, status: 'active', language: 'fr' },
    });
    assert.deepEqual(
      [updated.id, updated.name, updated.jobTitle, updated.spaceAmount, updated.language, updated.login],
      [user.id, 'Updated', 'Boss', 10_000, 'fr', user.login],
    );
    assert.equal((await users.getUserById(user.id)).name, 'Updated');
    const other = await create('Has Login');
    const err = await users.updateUserById(user.id, { requestBody: { login: other.login } }).then(() => 200, (err) => err.responseInfo.statusCode);
    assert.ok([400, 409].includes(err), `a login that is taken: ${err}`);
    await refused(users.updateUserById('990017', { requestBody: { name: 'x' } }), 404, 'not_found');
  });

  await check('withAsUserHeader', async () => {
    const { user, as } = await newUser(client, 'Acted.User');
    const me = await as.users.getUserMe();
    assert.deepEqual([me.id, me.name], [user.id, user.name]);
    const dir = await mkdir(as, { id: '0' }, 'their folder');
    assert.deepEqual([dir.ownedBy.id, dir.createdBy.id], [user.id, user.id]);
    const bytes = bytesOf('theirs', 4000);
    const file = await put(as, dir, 'theirs.bin', bytes);
    assert.equal(file.ownedBy.id, user.id);
    assert.equal((await as.users.getUserMe()).spaceUsed, 4000);
    assert.deepEqual(ids(await as.folders.getFolderItems('0')), [dir.id]);
    await refused(client.files.getFileById(file.id), 404, 'not_found');
    assert.ok((await read(await as.downloads.downloadFile(file.id))).equals(bytes));
  });

  await check('withAsUserHeader: refused', async () => {
    const { as } = await newUser(client, 'Plain.User');
    await refused(client.withAsUserHeader('990017').users.getUserMe(), 404, 'not_found');
    const err = await as.users.createUser({ name: 'x', login: `x${tail}` }).then(() => assert.fail('a plain user made a user'), (err) => err.responseInfo);
    assert.equal(err.statusCode, 403);
  });

  await check('a quota', async () => {
    const user = await create('Small Account', { spaceAmount: 10_000 });
    const as = client.withAsUserHeader(user.id);
    await put(as, { id: '0' }, 'fits.bin', bytesOf('fits', 6000));
    const over = { name: 'over.bin', parent: { id: '0' }, size: 6000 };
    await refused(as.uploads.preflightFileUploadCheck(over), 403, 'storage_limit_exceeded');
    const err = await put(as, { id: '0' }, 'over.bin', bytesOf('over', 6000)).then(() => assert.fail('stored'), (err) => err.responseInfo);
    assert.deepEqual([err.statusCode, err.body.code], [403, 'storage_limit_exceeded']);
    assert.equal((await as.users.getUserMe()).spaceUsed, 6000);
  });

  await check('users.deleteUserById', async () => {
    const user = await create('To Delete');
    await users.deleteUserById(user.id);
    await refused(users.getUserById(user.id), 404, 'not_found');
    assert.equal((await users.getUsers({ filterTerm: `to.delete${tail}` })).totalCount, 0);
    const { user: owner, as } = await newUser(client, 'Owner.User');
    await mkdir(as, { id: '0' }, 'content');
    const err = await users.deleteUserById(owner.id).then(() => 204, (err) => err.responseInfo.statusCode);
    assert.ok(err >= 400 && err < 500, `a user with content went with ${err}`);
    await users.deleteUserById(owner.id, { queryParams: { force: true, notify: false } });
    await refused(users.getUserById(owner.id), 404, 'not_found');
  });

  await check('a wrong token', async () => {
    const err = await connect({ as: 'nobody', retries: false }).users.getUsers().then(() => assert.fail('accepted'), (err) => err.responseInfo);
    assert.deepEqual([err.statusCode, err.rawBody], [401, '']);
  });
});
