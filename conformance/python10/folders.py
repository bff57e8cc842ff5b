"""Folders: create, get, update, move, copy, delete, list."""

import time

from box_sdk_gen import (
    CopyFolderParent,
    CreateFolderParent,
    CreateWebLinkParent,
    GetFolderByIdDirection,
    GetFolderByIdSort,
    GetFolderItemsDirection,
    GetFolderItemsSort,
    UpdateFolderByIdParent,
)

from area import Area, NoMatch, ids, keys, mkdir, names, new_user, pages, put, read, status_of, tick
from box import refused
from suite import check, content, equal, run, true


def update(w, folder, **changes):
    return w.client.folders.update_folder_by_id(folder.id, **changes)


def move(w, folder_id, to, **changes):
    return w.client.folders.update_folder_by_id(folder_id, parent=UpdateFolderByIdParent(id=to), **changes)


@check
def the_root(w):
    root = w.client.folders.get_folder_by_id('0')
    equal((root.id, root.type.value, root.name), ('0', 'folder', 'All Files'), 'the root')
    raw = root.raw_data
    equal([raw[k] for k in ('etag', 'sequence_id', 'parent', 'created_at', 'modified_at')], [None] * 5, 'its nulls')
    equal(raw['path_collection'], {'total_count': 0, 'entries': []}, 'path_collection')
    full = w.client.folders.get_folder_by_id('0', fields=['has_collaborations', 'tags'])
    equal((full.has_collaborations, full.tags), (False, []), 'has_collaborations and tags')


@check
def create_and_the_standard_fields(w):
    me = w.client.users.get_user_me()
    made = mkdir(w.client, w.folder.id, 'made')
    equal(
        (made.type.value, made.name, made.etag, made.sequence_id, made.size, made.item_status.value, made.parent.id),
        ('folder', 'made', '0', '0', 0, 'active', w.folder.id), 'the folder',
    )
    equal(ids(made.path_collection), ['0', w.folder.id], 'path_collection')
    equal({made.created_by.id, made.modified_by.id, made.owned_by.id}, {me.id}, 'users')
    equal((made.item_collection.total_count, made.item_collection.entries), (0, []), 'item_collection')
    for at in (made.created_at, made.modified_at, made.content_created_at, made.content_modified_at):
        true(abs(at.timestamp() - time.time()) < 60, f'a time of now, not {at}')
    equal(w.client.folders.get_folder_by_id(made.id).raw_data, made.raw_data, 'the folder as got')


@check
def create_refused(w):
    create, here = w.client.folders.create_folder, CreateFolderParent(id=w.folder.id)
    refused(400, 'item_name_invalid', create, 'a/b', here)
    refused(400, 'item_name_too_long', create, 'x' * 256, here)
    refused(404, 'not_found', create, 'lost', CreateFolderParent(id='990017'))
    taken = create('Taken', here)
    conflicts = refused(409, 'item_name_in_use', create, 'tAKEN', here).context_info['conflicts']
    equal([(c['id'], c['name']) for c in conflicts], [(taken.id, 'Taken')], 'conflicts')


@check
def fields(w):
    made = mkdir(w.client, w.folder.id, 'fielded')
    some = w.client.folders.get_folder_by_id(made.id, fields=['name', 'nonsense'])
    keys(some.raw_data, ['type', 'id', 'etag', 'name'], 'Base and name')
    full = w.client.folders.get_folder_by_id(made.id, fields=[
        'permissions', 'tags', 'has_collaborations', 'is_externally_owned', 'allowed_shared_link_access_levels',
        'watermark_info', 'is_accessible_via_shared_link', 'collections', 'size',
    ])
    may = full.permissions
    equal(
        (may.can_delete, may.can_download, may.can_rename, may.can_set_share_access, may.can_share, may.can_upload),
        (True,) * 6, 'permissions',
    )
    equal((full.tags, full.has_collaborations, full.is_externally_owned), ([], False, False), 'tags and so on')
    equal([a.value for a in full.allowed_shared_link_access_levels], ['open', 'company', 'collaborators'], 'access levels')
    equal((full.watermark_info.is_watermarked, full.is_accessible_via_shared_link), (False, False), 'more of them')
    equal((full.raw_data['collections'], full.size), ([], 0), 'collections and size')


@check
def update_name_description_tags(w):
    made = mkdir(w.client, w.folder.id, 'before')
    tick()
    renamed = update(w, made, name='after', description='Updated description')
    equal(
        (renamed.id, renamed.name, renamed.description, renamed.etag, renamed.sequence_id),
        (made.id, 'after', 'Updated description', '1', '1'), 'the folder',
    )
    true(renamed.modified_at > made.modified_at, 'modified_at moved')
    equal(renamed.created_at, made.created_at, 'created_at')
    equal(update(w, made, name='AFTER').name, 'AFTER', 'another case')
    equal(sorted(update(w, made, tags=['red', 'blue'], fields=['tags']).tags), ['blue', 'red'], 'tags')
    got = w.client.folders.get_folder_by_id(made.id, fields=['tags', 'name', 'description'])
    equal((got.name, got.description, sorted(got.tags)), ('AFTER', 'Updated description', ['blue', 'red']), 'as got')


@check
def preconditions(w):
    made = mkdir(w.client, w.folder.id, 'matched')
    refused(412, 'precondition_failed', update, w, made, name='unmatched', if_match='7')
    fresh = update(w, made, name='unmatched', if_match=made.etag)
    equal((fresh.name, fresh.etag), ('unmatched', '1'), 'with the right etag')
    refused(412, 'precondition_failed', w.client.folders.delete_folder_by_id, made.id, if_match='0')
    with NoMatch(w) as watch:
        try:
            w.client.folders.get_folder_by_id(made.id, if_none_match='1')
        except Exception:  # the SDK finds no folder in the empty body
            pass
    equal(watch.seen, [(304, b'')], 'If-None-Match')
    equal(w.client.folders.get_folder_by_id(made.id, if_none_match='0').name, 'unmatched', 'another etag')


@check
def moves(w):
    source, target = (mkdir(w.client, w.folder.id, name) for name in ('from', 'to'))
    child = mkdir(w.client, source.id, 'child')
    moved = move(w, child.id, target.id, name='moved')
    equal((moved.id, moved.parent.id, moved.name), (child.id, target.id, 'moved'), 'the folder')
    equal(ids(moved.path_collection), ['0', w.folder.id, target.id], 'path_collection')
    true(int(moved.etag) > int(child.etag), 'the etag moved')
    items = w.client.folders.get_folder_items
    equal((ids(items(source.id)), names(items(target.id))), ([], ['moved']), 'both listings')
    refused(400, 'cyclical_folder_structure', move, w, target.id, moved.id)
    refused(400, 'cyclical_folder_structure', move, w, target.id, target.id)
    mkdir(w.client, source.id, 'Moved')
    refused(409, 'item_name_in_use', move, w, moved.id, source.id)
    refused(404, 'not_found', move, w, moved.id, '990017')
    equal(w.client.folders.get_folder_by_id(moved.id).parent.id, target.id, 'still there')


@check
def copies_a_tree(w):
    tree = mkdir(w.client, w.folder.id, 'tree')
    inner = mkdir(w.client, tree.id, 'inner')
    data = content('leaf', 3000)
    leaf = put(w.client, inner.id, 'leaf.bin', data)
    target = mkdir(w.client, w.folder.id, 'copies')
    copy, items = w.client.folders.copy_folder, w.client.folders.get_folder_items
    there = CopyFolderParent(id=target.id)
    copied = copy(tree.id, there, name='tree again')
    equal((copied.name, copied.parent.id, copied.etag, copied.size), ('tree again', target.id, '0', 3000), 'the copy')
    inner_copy = items(copied.id).entries[0]
    leaf_copy = items(inner_copy.id).entries[0]
    equal((inner_copy.name, leaf_copy.name, leaf_copy.sha_1), ('inner', 'leaf.bin', leaf.sha_1), 'what is in it')
    equal(len({tree.id, copied.id, inner.id, inner_copy.id, leaf.id, leaf_copy.id}), 6, 'ids')
    equal(read(w.client, leaf_copy.id), data, 'the bytes of the copy')
    equal(copy(tree.id, there).name, 'tree', 'without a name')
    refused(409, 'item_name_in_use', copy, tree.id, there)
    refused(400, 'cyclical_folder_structure', copy, tree.id, CopyFolderParent(id=inner.id))


@check
def deletes(w):
    full = mkdir(w.client, w.folder.id, 'full')
    child = mkdir(w.client, full.id, 'child')
    delete, get = w.client.folders.delete_folder_by_id, w.client.folders.get_folder_by_id
    refused(400, 'folder_not_empty', delete, full.id)
    delete(full.id, recursive=True)
    refused(404, 'trashed', get, full.id)
    refused(404, 'trashed', get, child.id)
    true(full.id not in ids(w.client.folders.get_folder_items(w.folder.id, limit=1000)), 'gone from the listing')
    refused(404, 'not_found', delete, '990017')


IN_ORDER = ['eta', 'zeta', 'a.bin', 'b.bin', 'C.bin', 'a link']  # folders, files, web links, each by name


@check
def entries_to_list(w):
    w.listed = mkdir(w.client, w.folder.id, 'listed')
    w.files = {}
    for name in ('zeta', 'eta'):
        mkdir(w.client, w.listed.id, name)
    for name, size in (('b.bin', 300), ('C.bin', 100), ('a.bin', 200)):
        w.files[name] = put(w.client, w.listed.id, name, content(name, size)).id
        tick()
    w.client.web_links.create_web_link('https://example.com/', CreateWebLinkParent(id=w.listed.id), name='a link')


@check
def list_by_offset(w):
    items = w.client.folders.get_folder_items
    everything = items(w.listed.id)
    equal(names(everything), IN_ORDER, 'the order')
    equal((everything.total_count, everything.offset, everything.limit), (6, 0, 100), 'the frame')
    equal([(o.by, o.direction.value) for o in everything.order], [('type', 'ASC'), ('name', 'ASC')], 'order')
    got = []
    for offset in (0, 4):
        page = items(w.listed.id, offset=offset, limit=4)
        equal((page.total_count, page.offset, page.limit), (6, offset, 4), 'the frame of a page')
        got += names(page)
    equal(got, IN_ORDER, 'the pages')
    past = items(w.listed.id, offset=50)
    equal((past.total_count, past.entries), (6, []), 'past the end')
    equal(items(w.listed.id, limit=5000).limit, 1000, 'limit is clamped')
    equal(status_of(items, w.listed.id, offset=10_000), 400, 'offset 10000')


@check
def list_by_marker(w):
    got = pages(lambda **query: w.client.folders.get_folder_items(w.listed.id, **query), 4)
    equal([len(page.entries) for page in got], [4, 2], 'pages are full')
    equal(sorted(name for page in got for name in names(page)), sorted(IN_ORDER), 'all entries, once')


@check
def list_entries_are_mini(w):
    raw = {e['name']: e for e in w.client.folders.get_folder_items(w.listed.id).raw_data['entries']}
    keys(raw['eta'], ['type', 'id', 'etag', 'sequence_id', 'name'], 'a folder')
    keys(raw['a.bin'], ['type', 'id', 'etag', 'sequence_id', 'name', 'sha1', 'file_version'], 'a file')
    keys(raw['a link'], ['type', 'id', 'etag', 'sequence_id', 'name', 'url'], 'a web link')
    some = w.client.folders.get_folder_items(w.listed.id, fields=['name', 'size']).raw_data['entries']
    file = next(e for e in some if e['name'] == 'a.bin')
    keys(file, ['type', 'id', 'etag', 'name', 'size'], 'with fields')
    equal(file['size'], 200, 'size')


@check
def list_sorted(w):
    def files(sort, direction):
        page = w.client.folders.get_folder_items(w.listed.id, sort=sort, direction=direction)
        return [e.name for e in page.entries if e.type.value == 'file']

    up, down = GetFolderItemsDirection.ASC, GetFolderItemsDirection.DESC
    equal(files(GetFolderItemsSort.NAME, down), ['C.bin', 'b.bin', 'a.bin'], 'name')
    equal(files(GetFolderItemsSort.SIZE, up), ['C.bin', 'a.bin', 'b.bin'], 'size')
    equal(files(GetFolderItemsSort.SIZE, down), ['b.bin', 'a.bin', 'C.bin'], 'size, from the biggest')
    equal(files(GetFolderItemsSort.DATE, up), ['b.bin', 'C.bin', 'a.bin'], 'date')
    equal(files(GetFolderItemsSort.DATE, down), ['a.bin', 'C.bin', 'b.bin'], 'date, from the newest')
    equal(files(GetFolderItemsSort.ID, up), sorted(w.files, key=lambda name: int(w.files[name])), 'id')


@check
def item_collection_of_a_folder(w):
    got = w.client.folders.get_folder_by_id(
        w.listed.id, fields=['item_collection', 'size'], limit=2, offset=1,
        sort=GetFolderByIdSort.NAME, direction=GetFolderByIdDirection.DESC,
    )
    items = got.item_collection
    equal((got.size, items.total_count, items.limit, items.offset, len(items.entries)), (600, 6, 2, 1, 2), 'items')


@check
def another_user_sees_nothing(w):
    _, them = new_user(w, 'Folder Stranger')
    refused(404, 'not_found', them.folders.get_folder_by_id, w.folder.id)
    refused(404, 'not_found', them.folders.get_folder_items, w.folder.id)
    refused(404, 'not_found', them.folders.create_folder, 'mine', CreateFolderParent(id=w.folder.id))
    equal(them.folders.get_folder_items('0').total_count, 0, 'their own root')


if __name__ == '__main__':
    run(Area())
