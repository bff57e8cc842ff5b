"""Files: get, update, move, copy, delete, lock, thumbnails, representations."""

import datetime
import struct
import zlib

import requests
from box_sdk_gen import (
    CopyFileParent,
    FetchOptions,
    GetFileThumbnailByIdExtension,
    GetFileThumbnailUrlExtension,
    ResponseFormat,
    UpdateFileByIdLock,
    UpdateFileByIdLockAccessField,
    UpdateFileByIdParent,
)

from area import Area, NoMatch, ids, keys, mkdir, names, null, put, put_version, read, tick
from box import refused
from suite import check, content, equal, run, sha1_hex, true


def update(w, file, **changes):
    return w.client.files.update_file_by_id(file.id, **changes)


def get(w, file, *fields):
    return w.client.files.get_file_by_id(file.id, fields=list(fields))


@check
def the_standard_fields(w):
    me = w.client.users.get_user_me()
    data = content('standard', 4321)
    made = put(w.client, w.folder.id, 'standard.bin', data)
    got = w.client.files.get_file_by_id(made.id)
    equal(
        (got.type.value, got.name, got.size, got.sha_1, got.etag, got.sequence_id, got.item_status.value, got.parent.id),
        ('file', 'standard.bin', 4321, sha1_hex(data), '0', '0', 'active', w.folder.id), 'the file',
    )
    equal(ids(got.path_collection), ['0', w.folder.id], 'path_collection')
    equal({got.created_by.id, got.modified_by.id, got.owned_by.id}, {me.id}, 'users')
    equal((got.owned_by.name, got.owned_by.login), (me.name, me.login), 'owned_by')
    equal([got.raw_data[k] for k in ('shared_link', 'trashed_at', 'purged_at')], [None] * 3, 'nulls')
    equal(got.file_version.id, made.file_version.id, 'file_version')
    equal([k for k in ('lock', 'permissions', 'tags', 'extension') if k in got.raw_data], [], 'Full fields unasked')


@check
def fields(w):
    made = put(w.client, w.folder.id, 'Fielded.TAR.gz')
    keys(get(w, made, 'name').raw_data, ['type', 'id', 'etag', 'name'], 'Base and name')
    full = get(
        w, made, 'extension', 'version_number', 'comment_count', 'permissions', 'tags', 'lock', 'is_package',
        'watermark_info', 'is_accessible_via_shared_link', 'is_externally_owned', 'has_collaborations', 'expires_at',
        'uploader_display_name', 'shared_link_permission_options', 'collections', 'authenticated_download_url',
        'is_download_available', 'expiring_embed_link',
    )
    equal((full.extension, full.version_number, full.comment_count), ('gz', '1', 0), 'extension and so on')
    equal((full.tags, full.lock, full.is_package, full.is_externally_owned), ([], None, False, False), 'tags and so on')
    equal((full.has_collaborations, full.watermark_info.is_watermarked, full.expires_at), (False, False, None), 'more')
    equal((full.is_accessible_via_shared_link, full.raw_data['collections']), (False, []), 'more of them')
    equal(full.uploader_display_name, w.client.users.get_user_me().name, 'uploader_display_name')
    may = full.permissions
    equal(
        (may.can_delete, may.can_download, may.can_rename, may.can_share, may.can_preview, may.can_upload),
        (True,) * 6, 'permissions',
    )
    equal(full.raw_data['is_download_available'], True, 'is_download_available')
    direct = requests.get(
        full.raw_data['authenticated_download_url'], headers={'Authorization': f'Bearer {w.token}'}, timeout=30
    )
    equal(sha1_hex(direct.content), made.sha_1, 'authenticated_download_url')
    equal(requests.get(full.expiring_embed_link.url, timeout=30).status_code, 200, 'expiring_embed_link')


@check
def update_name_description_tags(w):
    made = put(w.client, w.folder.id, 'before.txt')
    tick()
    renamed = update(w, made, name='after.txt', description='Updated description')
    equal(
        (renamed.id, renamed.name, renamed.description, renamed.etag, renamed.sequence_id, renamed.sha_1),
        (made.id, 'after.txt', 'Updated description', '1', '1', made.sha_1), 'the file',
    )
    true(renamed.modified_at > made.modified_at, 'modified_at moved')
    equal(renamed.content_modified_at, made.content_modified_at, 'content_modified_at')
    equal(update(w, made, name='AFTER.txt').name, 'AFTER.txt', 'another case')
    update(w, made, tags=['one', 'two words'])
    equal(sorted(get(w, made, 'tags').tags), ['one', 'two words'], 'tags')
    update(w, made, tags=[])
    equal(get(w, made, 'tags').tags, [], 'no tags')
    refused(400, 'item_name_invalid', update, w, made, name='a/b')
    put(w.client, w.folder.id, 'occupied.txt')
    refused(409, 'item_name_in_use', update, w, made, name='Occupied.txt')


@check
def preconditions(w):
    made = put(w.client, w.folder.id, 'matched.txt')
    refused(412, 'precondition_failed', update, w, made, name='x.txt', if_match='3')
    equal(update(w, made, name='x.txt', if_match='0').etag, '1', 'with the right etag')
    refused(412, 'precondition_failed', w.client.files.delete_file_by_id, made.id, if_match='0')
    with NoMatch(w) as watch:
        try:
            w.client.files.get_file_by_id(made.id, if_none_match='1')
        except Exception:  # the SDK finds no file in the empty body
            pass
    equal(watch.seen, [(304, b'')], 'If-None-Match')
    equal(w.client.files.get_file_by_id(made.id, if_none_match='0').name, 'x.txt', 'another etag')
    w.client.files.delete_file_by_id(made.id, if_match='1')
    equal(w.client.files.get_file_by_id(made.id).item_status.value, 'trashed', 'item_status')


@check
def moves(w):
    target = mkdir(w.client, w.folder.id, 'moved to')
    made = put(w.client, w.folder.id, 'mover.txt')
    moved = update(w, made, parent=UpdateFileByIdParent(id=target.id))
    equal((moved.id, moved.parent.id, moved.name, moved.etag), (made.id, target.id, 'mover.txt', '1'), 'the file')
    equal(ids(moved.path_collection), ['0', w.folder.id, target.id], 'path_collection')
    back = update(w, made, parent=UpdateFileByIdParent(id=w.folder.id), name='moved back.txt')
    equal((back.parent.id, back.name), (w.folder.id, 'moved back.txt'), 'back')
    equal(names(w.client.folders.get_folder_items(target.id)), [], 'where it was')
    put(w.client, target.id, 'Moved Back.txt')
    refused(409, 'item_name_in_use', update, w, made, parent=UpdateFileByIdParent(id=target.id))
    refused(404, 'not_found', update, w, made, parent=UpdateFileByIdParent(id='990017'))


@check
def copies(w):
    target = CopyFileParent(id=mkdir(w.client, w.folder.id, 'copied to').id)
    first, second = content('copy first', 2222), content('copy second', 3333)
    made = put(w.client, w.folder.id, 'origin.bin', first)
    put_version(w.client, made, second)
    copy = w.client.files.copy_file(made.id, target, name='copy.bin')
    equal(
        (copy.name, copy.parent.id, copy.etag, copy.sequence_id, copy.size, copy.sha_1),
        ('copy.bin', target.id, '0', '0', 3333, sha1_hex(second)), 'the copy',
    )
    true(copy.id != made.id, 'an id of its own')
    equal(read(w.client, copy.id), second, 'its bytes')
    old = w.client.files.copy_file(made.id, target, name='old.bin', version=made.file_version.id)
    equal((old.sha_1, read(w.client, old.id)), (sha1_hex(first), first), 'a copy of a version')
    origin = w.client.files.get_file_by_id(made.id)
    equal(copy.content_modified_at, origin.content_modified_at, 'content_modified_at')
    refused(409, 'item_name_in_use', w.client.files.copy_file, made.id, CopyFileParent(id=w.folder.id))
    equal(w.client.file_versions.get_file_versions(copy.id).total_count, 0, 'versions of the copy')
    put_version(w.client, copy, b'changed')
    equal(read(w.client, made.id), second, 'the origin after a change of the copy')


@check
def deletes(w):
    made = put(w.client, w.folder.id, 'deleted.txt')
    w.client.files.delete_file_by_id(made.id)
    true(made.id not in ids(w.client.folders.get_folder_items(w.folder.id, limit=1000)), 'gone from the listing')
    equal(w.client.trashed_files.get_trashed_file_by_id(made.id).id, made.id, 'in the trash')
    refused(404, 'not_found', w.client.files.delete_file_by_id, '990017')


@check
def lock_and_unlock(w):
    made = put(w.client, w.folder.id, 'locked.txt')
    expires = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(hours=1)
    lock = UpdateFileByIdLock(access=UpdateFileByIdLockAccessField.LOCK, expires_at=expires, is_download_prevented=True)
    locked = update(w, made, lock=lock, fields=['lock'])
    me = w.client.users.get_user_me()
    equal(
        (locked.lock.type.value, locked.lock.created_by.id, locked.lock.is_download_prevented, locked.lock.expired_at),
        ('lock', me.id, True, expires), 'the lock',
    )
    true(locked.lock.id.isdigit(), 'its id')
    equal(locked.etag, made.etag, 'etag')
    equal(update(w, made, lock=null, fields=['lock']).lock, None, 'unlocked')
    equal(get(w, made, 'lock').lock, None, 'lock as got')


@check
def thumbnails(w):
    picture = put(w.client, w.folder.id, 'picture.png', png(640, 480))
    thumbnail = w.client.files.get_file_thumbnail_by_id
    small = thumbnail(
        picture.id, GetFileThumbnailByIdExtension.PNG, min_width=64, min_height=64, max_width=128, max_height=128
    ).read()
    equal(small[:4], b'\x89PNG', 'a PNG')
    width, height = struct.unpack('>II', small[16:24])
    true(width <= 128 and height <= 128 and round(width / height * 100) == 133, f'{width} by {height}')
    equal(thumbnail(picture.id, GetFileThumbnailByIdExtension.JPG).read()[:2], b'\xff\xd8', 'a JPEG')
    refused(
        400, 'requested_preview_unavailable', thumbnail, picture.id, GetFileThumbnailByIdExtension.PNG, min_width=1000
    )
    text = put(w.client, w.folder.id, 'no picture.txt')  # what has no picture has the Location of a placeholder
    placeholder = w.client.files.get_file_thumbnail_url(text.id, GetFileThumbnailUrlExtension.PNG)
    shown = requests.get(placeholder, timeout=30)
    equal((shown.status_code, shown.headers['Content-Type']), (200, 'image/png'), 'the placeholder')


@check
def representations(w):
    picture = put(w.client, w.folder.id, 'represented.png', png(800, 400))
    got = w.client.files.get_file_by_id(
        picture.id, fields=['representations'],
        x_rep_hints='[png?dimensions=320x320][jpg?dimensions=94x94&paged=false]',
    ).representations
    for name, dimensions, magic in (('png', '320x320', b'\x89PNG'), ('jpg', '94x94', b'\xff\xd8')):
        entry = next(e for e in got.entries if e.representation == name)
        equal(entry.properties.dimensions, dimensions, name)
        info = w.client.make_request(FetchOptions(url=entry.info.url, method='GET')).data
        equal(info['status']['state'], 'success', f'{name} after it was asked for')
        made = w.client.make_request(FetchOptions(
            url=entry.content.url_template.replace('{+asset_path}', ''), method='GET',
            response_format=ResponseFormat.BINARY,
        )).content.read()
        equal(made[:len(magic)], magic, f'the {name}')


@check
def nobodys(w):
    refused(404, 'not_found', w.client.files.get_file_by_id, '990017')
    refused(404, 'not_found', w.client.files.update_file_by_id, '990017', name='x')
    refused(404, 'not_found', w.client.files.copy_file, '990017', CopyFileParent(id='0'))


def png(width, height):
    """A picture of one colour."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    rows = (b'\0' + b'\x7f' * (3 * width)) * height
    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


if __name__ == '__main__':
    run(Area())
