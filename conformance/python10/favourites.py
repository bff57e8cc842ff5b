"""Collections: the favourites."""

from box_sdk_gen import CreateWebLinkParent, FetchOptions, UpdateFileByIdCollections, UpdateFolderByIdCollections

from area import Area, ids, keys, mkdir, new_user, put
from box import refused
from suite import check, equal, run, true


@check
def the_collection(w):
    _, w.user = new_user(w, 'Fond User')  # whose favourites are these only
    w.home = mkdir(w.user, '0', 'favourites')
    api = w.user.collections
    found = api.get_collections()
    equal((found.total_count, len(found.entries), found.offset), (1, 1, 0), 'collections')
    w.favourites = found.entries[0]
    equal(
        (w.favourites.type.value, w.favourites.name.value, w.favourites.collection_type.value),
        ('collection', 'Favorites', 'favorites'), 'the favourites',
    )
    equal(api.get_collection_by_id(w.favourites.id).raw_data, found.raw_data['entries'][0], 'as got')
    refused(404, 'not_found', api.get_collection_by_id, '990017')


@check
def add_list_remove(w):
    api = w.user.collections
    equal(api.get_collection_items(w.favourites.id).entries, [], 'favourites at first')
    folder = mkdir(w.user, w.home.id, 'favourite folder')
    file = put(w.user, w.home.id, 'favourite.txt')
    link = w.user.web_links.create_web_link(
        'https://example.com/f', CreateWebLinkParent(id=w.home.id), name='favourite link'
    )
    marked = w.user.folders.update_folder_by_id(
        folder.id, collections=[UpdateFolderByIdCollections(id=w.favourites.id)], fields=['collections']
    )
    equal([c['id'] for c in marked.raw_data['collections']], [w.favourites.id], 'collections of the folder')
    equal(marked.etag, folder.etag, 'etag')
    w.user.files.update_file_by_id(file.id, collections=[UpdateFileByIdCollections(id=w.favourites.id)])
    # The SDK knows no collections of web links, the server does.
    w.user.make_request(FetchOptions(
        url=f'{w.url}/2.0/web_links/{link.id}', method='PUT', data={'collections': [{'id': w.favourites.id}]}
    ))
    page = api.get_collection_items(w.favourites.id)
    equal((page.total_count, page.offset, page.limit), (3, 0, 100), 'the frame')
    equal(sorted(ids(page)), sorted([folder.id, file.id, link.id]), 'items')
    second = api.get_collection_items(w.favourites.id, limit=1, offset=1, fields=['name'])
    equal((second.total_count, ids(second)), (3, [page.entries[1].id]), 'a page')
    keys(second.raw_data['entries'][0], ['type', 'id', 'etag', 'name'], 'with fields')
    w.user.files.delete_file_by_id(file.id)
    true(file.id not in ids(api.get_collection_items(w.favourites.id)), 'what is in the trash is not listed')
    w.user.folders.update_folder_by_id(folder.id, collections=[])
    left = api.get_collection_items(w.favourites.id)
    equal((left.total_count, ids(left)), (1, [link.id]), 'what is left')
    w.user.web_links.delete_web_link_by_id(link.id)
    equal(api.get_collection_items(w.favourites.id).total_count, 0, 'in the end')


@check
def each_user_has_their_own(w):
    _, them = new_user(w, 'Fond Stranger')
    theirs = them.collections.get_collections().entries[0]
    equal(them.collections.get_collection_items(theirs.id).entries, [], 'their favourites')


if __name__ == '__main__':
    run(Area())
