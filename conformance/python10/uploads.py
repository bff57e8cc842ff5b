"""Uploads: preflight, simple, new versions, in parts."""

import io

from box_sdk_gen import (
    PreflightFileUploadCheckParent,
    UploadFileAttributes,
    UploadFileAttributesParentField,
    UploadFileVersionAttributes,
    UploadWithPreflightCheckAttributes,
    UploadWithPreflightCheckAttributesParentField,
)

from area import Area, keys, mkdir, names, put, put_version, read, utc
from box import refused
from suite import check, content, equal, run, sha1_hex, true


@check
def preflight(w):
    here = PreflightFileUploadCheckParent(id=w.folder.id)

    def ask(name, parent=here, size=100):
        return w.client.uploads.preflight_file_upload_check(name=name, size=size, parent=parent)

    true(ask('free.bin').upload_url.endswith('/files/content'), 'upload_url')
    taken, folder = put(w.client, w.folder.id, 'taken.bin'), mkdir(w.client, w.folder.id, 'a folder')
    found = refused(409, 'item_name_in_use', ask, 'Taken.BIN').context_info['conflicts']
    equal((found['type'], found['id'], found['sha1']), ('file', taken.id, taken.sha_1), 'conflicts')
    found = refused(409, 'item_name_in_use', ask, 'A folder').context_info['conflicts']
    equal((found['type'], found['id']), ('folder', folder.id), 'conflicts with a folder')
    refused(400, 'item_name_invalid', ask, 'a\\b')
    refused(400, 'item_name_too_long', ask, 'x' * 256)
    refused(404, 'not_found', ask, 'x', PreflightFileUploadCheckParent(id='990017'))
    true('free.bin' not in names(w.client.folders.get_folder_items(w.folder.id)), 'nothing was made')


@check
def simple(w):
    data = content('simple', 54_321)
    file = put(w.client, w.folder.id, 'simple.bin', data)
    equal((file.type.value, file.etag, file.sequence_id, file.parent.id), ('file', '0', '0', w.folder.id), 'the file')
    equal(read(w.client, file.id), data, 'content')


@check
def simple_with_fields_digest_and_times(w):
    data = content('dated', 99)
    attributes = UploadFileAttributes(
        name='dated.bin', parent=UploadFileAttributesParentField(id=w.folder.id),
        content_created_at=utc(2001, 2, 3, 4, 5, 6), content_modified_at=utc(2002, 3, 4, 5, 6, 7),
    )
    answer = w.client.uploads.upload_file(
        attributes, io.BytesIO(data), file_file_name='irrelevant', file_content_type='text/plain',
        fields=['content_created_at', 'content_modified_at', 'size'], content_md_5=sha1_hex(data),
    )
    file = answer.entries[0]
    equal(
        (file.content_created_at, file.content_modified_at, file.size),
        (utc(2001, 2, 3, 4, 5, 6), utc(2002, 3, 4, 5, 6, 7), 99), 'times',
    )
    keys(answer.raw_data['entries'][0], [
        'type', 'id', 'etag', 'sequence_id', 'name', 'sha1', 'file_version', 'content_created_at', 'content_modified_at', 'size',
    ], 'Mini and fields')


@check
def simple_refused(w):
    def up(name, parent=w.folder.id, **options):
        return w.client.uploads.upload_file(
            UploadFileAttributes(name=name, parent=UploadFileAttributesParentField(id=parent)), io.BytesIO(b'x'), **options
        )

    taken = put(w.client, w.folder.id, 'occupied.bin')
    found = refused(409, 'item_name_in_use', up, 'OCCUPIED.bin').context_info['conflicts']
    equal((found['type'], found['id']), ('file', taken.id), 'conflicts')
    refused(400, 'item_name_invalid', up, 'a/b')
    refused(404, 'not_found', up, 'fine.bin', '990017')
    refused(400, 'bad_digest', up, 'bad.bin', content_md_5=sha1_hex(b'other'))


@check
def with_preflight(w):
    def up(data):
        return w.client.uploads.upload_with_preflight_check(
            UploadWithPreflightCheckAttributes(
                name='preflighted.bin', size=len(data), parent=UploadWithPreflightCheckAttributesParentField(id=w.folder.id)
            ),
            io.BytesIO(data),
        )

    data = content('preflighted', 4000)
    file = up(data).entries[0]
    equal((file.name, file.sha_1), ('preflighted.bin', sha1_hex(data)), 'the file')
    refused(409, 'item_name_in_use', up, b'x')


@check
def a_new_version(w):
    first = put(w.client, w.folder.id, 'versioned.bin', b'one')
    second = content('two', 20)
    refused(412, 'precondition_failed', put_version, w.client, first, second, if_match='5')
    attributes = UploadFileVersionAttributes(name='renamed.bin', content_modified_at=utc(2003, 4, 5, 6, 7, 8))
    file = w.client.uploads.upload_file_version(first.id, attributes, io.BytesIO(second), if_match='0').entries[0]
    equal((file.id, file.name, file.etag, file.size), (first.id, 'renamed.bin', '1', 20), 'the file')
    true(file.file_version.id != first.file_version.id, 'a new file_version')
    equal(w.client.files.get_file_by_id(first.id).content_modified_at, utc(2003, 4, 5, 6, 7, 8), 'content_modified_at')
    equal(read(w.client, first.id), second, 'content')
    refused(412, 'precondition_failed', put_version, w.client, first, second, if_match='0')


@check
def space_used(w):
    def used():
        return w.client.users.get_user_me(fields=['space_used']).space_used

    before = used()
    file = put(w.client, w.folder.id, 'counted.bin', content('counted', 12_345))
    equal(used() - before, 12_345, 'after the upload')
    w.client.files.delete_file_by_id(file.id)
    w.client.trashed_files.delete_trashed_file_by_id(file.id)
    equal(used(), before, 'after it went')


@check
def in_parts(w):
    data = content('big', 20_000_123)
    file = w.client.chunked_uploads.upload_big_file(io.BytesIO(data), 'big.bin', len(data), w.folder.id)
    equal((file.name, file.size, file.sha_1), ('big.bin', len(data), sha1_hex(data)), 'the file')
    equal(read(w.client, file.id), data, 'content')


if __name__ == '__main__':
    run(Area())
