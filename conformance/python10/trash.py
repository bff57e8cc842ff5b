"""The trash: list, get, restore, delete for good, of files and folders. Web
links have theirs in weblinks.py."""

import time

from box_sdk_gen import (
    GetTrashedItemsDirection,
    GetTrashedItemsSort,
    RestoreFileFromTrashParent,
)

from area import Area, ids, mkdir, pages, put, read, status_of
from box import refused
from suite import check, content, equal, run, sha1_hex, true


def trash(w, item):
    if item.type.value == 'file':
        w.client.files.delete_file_by_id(item.id)
    else:
        w.client.folders.delete_folder_by_id(item.id, recursive=True)


@check
def a_trashed_file(w):
    data = content('gone', 777)
    file = put(w.client, w.folder.id, 'gone.bin', data)
    trash(w, file)
    gone = w.client.trashed_files.get_trashed_file_by_id(file.id)
    equal(
        (gone.id, gone.type.value, gone.name, gone.sha_1, gone.size, gone.item_status.value, gone.parent.id, gone.etag),
        (file.id, 'file', 'gone.bin', sha1_hex(data), 777, 'trashed', w.folder.id, '1'), 'the file',
    )
    equal(gone.raw_data['path_collection'], {
        'total_count': 1,
        'entries': [{'type': 'folder', 'id': '1', 'sequence_id': None, 'etag': None, 'name': 'Trash'}],
    }, 'path_collection')
    true(abs(gone.trashed_at.timestamp() - time.time()) < 60, 'trashed_at')
    equal((gone.purged_at - gone.trashed_at).days, 30, 'days until it is purged')
    equal(w.client.files.get_file_by_id(file.id).item_status.value, 'trashed', 'item_status of a plain GET')
    refused(404, 'trashed', w.client.downloads.download_file, file.id)
    live = put(w.client, w.folder.id, 'live.bin')
    refused(404, 'not_trashed', w.client.trashed_files.get_trashed_file_by_id, live.id)


@check
def restore_a_file(w):
    data = content('back', 888)
    file = put(w.client, w.folder.id, 'back.bin', data)
    trash(w, file)
    restore = w.client.trashed_files.restore_file_from_trash
    back = restore(file.id)
    equal(
        (back.id, back.name, back.item_status.value, back.parent.id, back.sha_1, back.etag, back.trashed_at),
        (file.id, 'back.bin', 'active', w.folder.id, file.sha_1, '2', None), 'the file',
    )
    equal(ids(back.path_collection), ['0', w.folder.id], 'path_collection')
    equal(read(w.client, file.id), data, 'content')
    refused(404, 'not_trashed', restore, file.id)


@check
def restore_elsewhere(w):
    restore = w.client.trashed_files.restore_file_from_trash
    target = mkdir(w.client, w.folder.id, 'restored to')
    file = put(w.client, w.folder.id, 'clash.bin')
    trash(w, file)
    put(w.client, w.folder.id, 'Clash.bin', b'taken')
    refused(409, 'item_name_in_use', restore, file.id)
    back = restore(file.id, name='no clash.bin', parent=RestoreFileFromTrashParent(id=target.id))
    equal((back.id, back.name, back.parent.id), (file.id, 'no clash.bin', target.id), 'the file')
    equal(ids(w.client.folders.get_folder_items(target.id)), [file.id], 'where it is now')
    parent = mkdir(w.client, w.folder.id, 'parent gone')
    orphan = put(w.client, parent.id, 'orphan.bin')
    trash(w, orphan)
    trash(w, parent)
    equal(status_of(restore, orphan.id), 403, 'after the parent went')
    back = restore(orphan.id, parent=RestoreFileFromTrashParent(id=w.folder.id))
    equal(back.parent.id, w.folder.id, 'its new parent')


@check
def delete_a_file_for_good(w):
    delete = w.client.trashed_files.delete_trashed_file_by_id
    file = put(w.client, w.folder.id, 'for good.bin')
    refused(404, 'not_trashed', delete, file.id)
    trash(w, file)
    delete(file.id)
    refused(404, 'not_found', w.client.trashed_files.get_trashed_file_by_id, file.id)
    refused(404, 'not_found', w.client.files.get_file_by_id, file.id)
    refused(404, 'not_found', delete, file.id)


@check
def a_trashed_folder(w):
    tree = mkdir(w.client, w.folder.id, 'tree')
    inner = mkdir(w.client, tree.id, 'inner')
    data = content('leaf', 999)
    leaf = put(w.client, inner.id, 'leaf.bin', data)
    trash(w, tree)
    folders = w.client.trashed_folders
    gone = folders.get_trashed_folder_by_id(tree.id)
    equal(
        (gone.id, gone.type.value, gone.name, gone.item_status.value, gone.parent.id, gone.size, gone.etag),
        (tree.id, 'folder', 'tree', 'trashed', w.folder.id, 999, '1'), 'the folder',
    )
    equal(ids(gone.path_collection), ['1'], 'path_collection')
    equal([gone.raw_data[k] for k in ('shared_link', 'folder_upload_email')], [None] * 2, 'nulls')
    refused(404, 'trashed', w.client.folders.get_folder_by_id, tree.id)
    refused(404, 'not_found', folders.get_trashed_folder_by_id, inner.id)  # it is not in the trash by itself
    refused(404, 'not_found', w.client.trashed_files.get_trashed_file_by_id, leaf.id)
    mkdir(w.client, w.folder.id, 'tree')  # the name is free
    refused(409, 'item_name_in_use', folders.restore_folder_from_trash, tree.id)
    back = folders.restore_folder_from_trash(tree.id, name='tree again')
    equal((back.id, back.name, back.item_status.value), (tree.id, 'tree again', 'active'), 'restored')
    equal(ids(w.client.files.get_file_by_id(leaf.id).path_collection), ['0', w.folder.id, tree.id, inner.id], 'its leaf')
    equal(read(w.client, leaf.id), data, 'content')
    trash(w, tree)
    folders.delete_trashed_folder_by_id(tree.id)
    refused(404, 'not_found', folders.get_trashed_folder_by_id, tree.id)
    refused(404, 'not_found', w.client.files.get_file_by_id, leaf.id)


@check
def list_the_trash(w):
    items = w.client.trashed_items.get_trashed_items
    mine = [
        put(w.client, w.folder.id, name, content(name, size))
        for name, size in (('t b.bin', 30), ('t a.bin', 50), ('t c.bin', 40))
    ]
    mine.append(mkdir(w.client, w.folder.id, 't folder'))
    for item in mine:
        trash(w, item)
    own = {item.id for item in mine}

    def of(page):
        return [e for e in page.entries if e.id in own]

    everything = items(limit=1000)
    equal(len(everything.entries), everything.total_count, 'total_count')
    equal([e.name for e in of(everything)], ['t folder', 't a.bin', 't b.bin', 't c.bin'], 'the order')
    sized = items(limit=1000, sort=GetTrashedItemsSort.SIZE, direction=GetTrashedItemsDirection.DESC, fields=['name', 'size'])
    equal([e.size for e in of(sized) if e.type.value == 'file'], [50, 40, 30], 'sorted by size')
    second = items(limit=1, offset=1)
    equal((second.entries[0].id, second.offset, second.limit), (everything.entries[1].id, 1, 1), 'a page')
    equal(sorted(i for page in pages(items, 2) for i in ids(page)), sorted(ids(everything)), 'by marker')
    for item in mine:
        if item.type.value == 'file':
            w.client.trashed_files.delete_trashed_file_by_id(item.id)
        else:
            w.client.trashed_folders.delete_trashed_folder_by_id(item.id)
    equal(of(items(limit=1000)), [], 'after all were deleted')


if __name__ == '__main__':
    run(Area())
