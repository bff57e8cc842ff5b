"""Versions of a file: list, get, delete, restore, promote."""

from box_sdk_gen import PromoteFileVersionType

from area import Area, ids, keys, null, put, put_version, read
from box import refused
from suite import check, content, equal, run, sha1_hex, true

DATA = [content(f'version {n}', 1000 * n) for n in (1, 2, 3)]
SUMS = [sha1_hex(data) for data in DATA]
DETAILS = ['trashed_at', 'trashed_by', 'restored_at', 'restored_by']


def three(w, name):
    """A file of three versions, and their ids."""
    first = put(w.client, w.folder.id, name, DATA[0])
    return first, [first.file_version.id] + [put_version(w.client, first, data).file_version.id for data in DATA[1:]]


@check
def past_versions_newest_first(w):
    versions = w.client.file_versions.get_file_versions
    file, (one, two, _) = three(w, 'listed.bin')
    found = versions(file.id)
    equal((found.total_count, ids(found)), (2, [two, one]), 'versions')
    equal(
        [(v.type.value, v.sha_1, v.size, v.name) for v in found.entries],
        [('file_version', SUMS[1], 2000, 'listed.bin'), ('file_version', SUMS[0], 1000, 'listed.bin')], 'their fields',
    )
    me = w.client.users.get_user_me()
    equal({v.modified_by.id for v in found.entries}, {me.id}, 'modified_by')
    page = versions(file.id, limit=1, offset=1)
    equal((page.total_count, page.limit, page.offset, ids(page)), (2, 1, 1, [one]), 'a page')
    numbered = versions(file.id, fields=['version_number'])
    equal([v.version_number for v in numbered.entries], ['2', '1'], 'version_number')
    keys(numbered.raw_data['entries'][0], ['type', 'id', 'version_number'], 'with fields')
    refused(404, 'not_found', versions, '990017')


@check
def get_one(w):
    get = w.client.file_versions.get_file_version_by_id
    file, versions = three(w, 'got.bin')
    for i, version in enumerate(versions):
        got = get(file.id, version)
        equal((got.id, got.sha_1, got.size), (version, SUMS[i], len(DATA[i])), f'version {i + 1}')
    refused(404, 'not_found', get, file.id, '990017')
    other = put(w.client, w.folder.id, 'other.bin')
    refused(404, 'not_found', get, other.id, versions[0])


@check
def delete_and_restore(w):
    api = w.client.file_versions
    file, versions = three(w, 'deleted.bin')

    def details():
        return api.get_file_version_by_id(file.id, versions[0], fields=DETAILS)

    equal([getattr(details(), k) for k in DETAILS], [None] * 4, 'at first')
    refused(412, 'precondition_failed', api.delete_file_version_by_id, file.id, versions[0], if_match='77')
    api.delete_file_version_by_id(file.id, versions[0])
    me = w.client.users.get_user_me()
    gone = details()
    true(gone.trashed_at, 'trashed_at')
    equal((gone.trashed_by.id, gone.restored_at, gone.restored_by), (me.id, None, None), 'deleted')
    equal(read(w.client, file.id, version=versions[0]), DATA[0], 'still readable')
    api.update_file_version_by_id(file.id, versions[0], trashed_at=null)
    back = details()
    equal((back.trashed_at, back.trashed_by, back.restored_by.id), (None, None, me.id), 'restored')
    true(back.restored_at, 'restored_at')


@check
def promote(w):
    api = w.client.file_versions
    file = put(w.client, w.folder.id, 'old name.bin', DATA[0])
    old = file.file_version.id
    put_version(w.client, file, DATA[1], name='new name.bin')
    promoted = api.promote_file_version(file.id, id=old, type=PromoteFileVersionType.FILE_VERSION)
    equal((promoted.type.value, promoted.sha_1, promoted.size), ('file_version', SUMS[0], 1000), 'the new version')
    true(promoted.id != old, 'an id of its own')
    got = w.client.files.get_file_by_id(file.id)
    equal(
        (got.name, got.size, got.sha_1, got.file_version.id), ('old name.bin', 1000, SUMS[0], promoted.id), 'the file'
    )
    equal(read(w.client, file.id), DATA[0], 'content')
    equal([v.sha_1 for v in api.get_file_versions(file.id).entries], [SUMS[1], SUMS[0]], 'past versions')
    refused(404, 'not_found', api.promote_file_version, file.id, id='990017', type=PromoteFileVersionType.FILE_VERSION)


if __name__ == '__main__':
    run(Area())
