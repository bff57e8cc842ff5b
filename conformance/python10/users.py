"""Users: create, get, list, update, delete, me, and acting as one."""

from box_sdk_gen import GetUsersUserType, PreflightFileUploadCheckParent, UpdateUserByIdStatus

from area import Area, ids, keys, mkdir, new_user, pages, put, read, status_of
from box import refused
from suite import check, content, equal, run, true


def login(w, name):
    return f'{name}.{w.unique}@example.com'.lower().replace(' ', '.')


def create(w, name, **options):
    return w.client.users.create_user(name, **{'login': login(w, name), **options})


@check
def me(w):
    mine = w.client.users.get_user_me()
    equal((mine.type.value, mine.status.value), ('user', 'active'), 'type and status')
    true(mine.id.isdigit() and '@' in mine.login, 'id and login')
    missing = [k for k in (
        'created_at', 'modified_at', 'language', 'timezone', 'space_amount', 'space_used', 'max_upload_size', 'status',
        'job_title', 'phone', 'address', 'avatar_url',
    ) if k not in mine.raw_data]
    equal((missing, 'role' in mine.raw_data), ([], False), 'Standard fields that are missing, a Full one that is there')
    keys(w.client.users.get_user_me(fields=['name', 'enterprise']).raw_data, ['type', 'id', 'name', 'enterprise'], 'fields')
    full = w.client.users.get_user_me(fields=['role', 'tracking_codes', 'enterprise', 'is_platform_access_only'])
    equal((full.role.value, full.tracking_codes, full.is_platform_access_only), ('admin', [], False), 'Full fields')
    equal(full.enterprise.type.value, 'enterprise', 'enterprise')
    equal(w.client.users.get_user_by_id(mine.id).raw_data, mine.raw_data, 'by id')


@check
def create_and_get(w):
    user = create(
        w, 'New User', job_title='Clerk', phone='555', address='1 Way', language='de', timezone='Europe/Berlin',
        space_amount=5_000_000,
    )
    equal(
        (user.type.value, user.name, user.login, user.job_title, user.phone, user.address, user.language, user.timezone),
        ('user', 'New User', login(w, 'New User'), 'Clerk', '555', '1 Way', 'de', 'Europe/Berlin'), 'the user',
    )
    equal((user.space_amount, user.space_used, user.status.value), (5_000_000, 0, 'active'), 'space and status')
    got = w.client.users.get_user_by_id(user.id)
    equal((got.id, got.name, got.login), (user.id, user.name, user.login), 'as got')
    full = w.client.users.get_user_by_id(user.id, fields=['role', 'enterprise'])
    equal(full.role.value, 'user', 'role')
    refused(409, 'user_login_already_used', create, w, 'New User', login=login(w, 'NEW user'))
    refused(404, 'not_found', w.client.users.get_user_by_id, '990017')


@check
def an_application_user(w):
    external = f'ext-{w.unique}'
    user = w.client.users.create_user('App User', is_platform_access_only=True, external_app_user_id=external)
    true('@' in user.login, 'a login')
    equal(ids(w.client.users.get_users(external_app_user_id=external)), [user.id], 'found by external_app_user_id')
    full = w.client.users.get_user_by_id(user.id, fields=['is_platform_access_only', 'external_app_user_id'])
    equal((full.is_platform_access_only, full.external_app_user_id), (True, external), 'Full fields')


@check
def list_users(w):
    users = w.client.users.get_users
    made = sorted(create(w, f'Lister {letter}').id for letter in 'ABC')
    found = users(filter_term=f'lister.b.{w.unique}')
    equal([u.name for u in found.entries], ['Lister B'], 'by the start of a login')
    everyone = [u for u in users(filter_term='lister', limit=1000).entries if u.id in made]
    equal(sorted(u.id for u in everyone), made, 'by the start of a name')
    page = users(filter_term='lister', limit=2, offset=1)
    equal((len(page.entries), page.offset, page.limit), (2, 1, 2), 'a page')
    marked = [i for p in pages(lambda **q: users(filter_term='lister', **q), 2) for i in ids(p)]
    equal(sorted(i for i in marked if i in made), made, 'by marker')
    some = users(filter_term='lister', fields=['name', 'status'])
    keys(some.raw_data['entries'][0], ['type', 'id', 'name', 'status'], 'fields')
    true(users(user_type=GetUsersUserType.MANAGED, limit=1000).total_count >= 4, 'managed users')


@check
def update(w):
    change = w.client.users.update_user_by_id
    user = create(w, 'To Update')
    updated = change(
        user.id, name='Updated', job_title='Boss', space_amount=10_000, status=UpdateUserByIdStatus.ACTIVE, language='fr'
    )
    equal(
        (updated.id, updated.name, updated.job_title, updated.space_amount, updated.language, updated.login),
        (user.id, 'Updated', 'Boss', 10_000, 'fr', user.login), 'the user',
    )
    equal(w.client.users.get_user_by_id(user.id).name, 'Updated', 'as got')
    refused(404, 'not_found', change, '990017', name='x')


@check
def as_user(w):
    user, them = new_user(w, 'Acted User')
    mine = them.users.get_user_me()
    equal((mine.id, mine.name), (user.id, user.name), 'me')
    folder = mkdir(them, '0', 'their folder')
    equal((folder.owned_by.id, folder.created_by.id), (user.id, user.id), 'a folder of theirs')
    data = content('theirs', 4000)
    file = put(them, folder.id, 'theirs.bin', data)
    equal(them.users.get_user_me().space_used, 4000, 'space_used')
    equal(ids(them.folders.get_folder_items('0')), [folder.id], 'their root')
    refused(404, 'not_found', w.client.files.get_file_by_id, file.id)
    equal(read(them, file.id), data, 'content')
    refused(404, 'not_found', w.client.with_as_user_header('990017').users.get_user_me)
    equal(status_of(them.users.create_user, 'x', login=login(w, 'x')), 403, 'a user made by one who may not')


@check
def quota(w):
    user = create(w, 'Small Account', space_amount=10_000)
    them = w.client.with_as_user_header(user.id)
    put(them, '0', 'fits.bin', content('fits', 6000))
    refused(
        403, 'storage_limit_exceeded', them.uploads.preflight_file_upload_check, name='over.bin', size=6000,
        parent=PreflightFileUploadCheckParent(id='0'),
    )
    refused(403, 'storage_limit_exceeded', put, them, '0', 'over.bin', content('over', 6000))
    equal(them.users.get_user_me().space_used, 6000, 'space_used')


@check
def delete(w):
    gone = w.client.users.delete_user_by_id
    user = create(w, 'To Delete')
    gone(user.id)
    refused(404, 'not_found', w.client.users.get_user_by_id, user.id)
    owner, them = new_user(w, 'Owner User')
    mkdir(them, '0', 'content')
    true(status_of(gone, owner.id) in (400, 403, 409), 'a user with content is kept')
    gone(owner.id, force=True, notify=False)
    refused(404, 'not_found', w.client.users.get_user_by_id, owner.id)


if __name__ == '__main__':
    run(Area())
