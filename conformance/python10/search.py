"""Search: words, type, ancestor, extensions, dates, size, owner, sort, paging."""

import datetime

from box_sdk_gen import (
    CreateWebLinkParent,
    SearchForContentContentTypes,
    SearchForContentDirection,
    SearchForContentSort,
    SearchForContentTrashContent,
    SearchForContentType,
)

from area import Area, ids, keys, mkdir, names, new_user, put, tick, until
from suite import check, content, equal, run, true

FILE, FOLDER, WEB_LINK = SearchForContentType.FILE, SearchForContentType.FOLDER, SearchForContentType.WEB_LINK


def stamp(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime('%Y-%m-%dT%H:%M:%SZ')


def find(w, query=None, ancestors=None, **options):
    return w.client.search.search_for_content(
        query=query or w.word, ancestor_folder_ids=ancestors or [w.folder.id], **options
    )


def found(w, *args, **options):
    return sorted(names(find(w, *args, **options)))


@check
def items_to_find(w):
    w.word = 'quokka' + w.unique.replace('-', '')  # of this run only
    w.begun = stamp(-5)
    w.inner = mkdir(w.client, w.folder.id, 'inner')
    w.txt = put(w.client, w.folder.id, f'{w.word} report.txt', content('txt', 100))
    tick()
    w.png = put(w.client, w.inner.id, f'picture of a {w.word}.PNG', content('png', 5000))
    tick()
    w.dir = mkdir(w.client, w.inner.id, f'{w.word} folder')
    w.link = w.client.web_links.create_web_link(
        'https://example.com/q', CreateWebLinkParent(id=w.folder.id), name=f'{w.word} link'
    )
    described = put(w.client, w.folder.id, 'plain name.bin', content('bin', 300))
    w.client.files.update_file_by_id(described.id, description=f'about the {w.word}')
    until('all five are found', lambda: find(w).total_count == 5)


@check
def the_reply(w):
    page = find(w)
    equal((page.type.value, page.total_count, page.offset, page.limit), ('search_results_items', 5, 0, 30), 'the frame')
    file = next(e for e in page.entries if e.id == w.txt.id)
    equal((file.size, file.sha_1, file.parent.id), (100, w.txt.sha_1, w.folder.id), 'Standard fields')
    equal(w.client.search.search_for_content(query=w.word + 'zzz').total_count, 0, 'a word that is nowhere')
    shared = find(w, include_recent_shared_links=True)
    equal(shared.type.value, 'search_results_with_shared_links', 'with shared links')
    equal(sorted(e.item.id for e in shared.entries), sorted(ids(page)), 'the same items')


@check
def words(w):
    equal(found(w, f'{w.word.upper()} REPORT'), [w.txt.name], 'two words, in another case')
    equal(found(w, f'"picture of a {w.word}"'), [w.png.name], 'a phrase')
    everywhere = sorted([w.txt.name, w.png.name, w.dir.name, w.link.name])
    equal(found(w, content_types=[SearchForContentContentTypes.NAME]), everywhere, 'in names')
    equal(found(w, content_types=[SearchForContentContentTypes.DESCRIPTION]), ['plain name.bin'], 'in descriptions')


@check
def by_type(w):
    equal(found(w, type=FOLDER), [w.dir.name], 'folders')
    equal(found(w, type=WEB_LINK), [w.link.name], 'web links')
    equal(found(w, type=FILE), sorted([w.txt.name, w.png.name, 'plain name.bin']), 'files')


@check
def by_extension(w):
    equal(found(w, file_extensions=['png']), [w.png.name], 'png')
    equal(found(w, file_extensions=['png', 'txt']), sorted([w.txt.name, w.png.name]), 'png or txt')


@check
def by_ancestor(w):
    equal(found(w, ancestors=[w.inner.id]), sorted([w.png.name, w.dir.name]), 'in inner')
    equal((find(w, ancestors=['0']).total_count, find(w, ancestors=[w.dir.id]).total_count), (5, 0), 'in the root and in one')


@check
def by_size(w):
    equal(found(w, type=FILE, size_range=[200, 400]), ['plain name.bin'], '200 to 400 bytes')
    equal(found(w, type=FILE, size_range=[4000, 6000]), [w.png.name], '4000 to 6000 bytes')


@check
def by_date(w):
    equal(find(w, created_at_range=[w.begun, stamp(5)]).total_count, 5, 'created just now')
    equal(find(w, created_at_range=['2001-01-01T00:00:00Z', '2002-01-01T00:00:00Z']).total_count, 0, 'created in 2001')
    at = w.client.files.get_file_by_id(w.png.id).raw_data['modified_at']
    equal(found(w, type=FILE, updated_at_range=[at, at]), [w.png.name], 'modified in one second')


@check
def by_owner(w):
    me = w.client.users.get_user_me()
    stranger, them = new_user(w, 'Search Stranger')
    equal(find(w, owner_user_ids=[me.id]).total_count, 5, 'mine')
    equal(find(w, owner_user_ids=[stranger.id]).total_count, 0, 'theirs')
    equal(them.search.search_for_content(query=w.word).total_count, 0, 'what another user finds')


@check
def sorted_by_date(w):
    def order(direction):
        return ids(find(w, type=FILE, sort=SearchForContentSort.MODIFIED_AT, direction=direction))

    down = order(SearchForContentDirection.DESC)
    true(down.index(w.txt.id) > down.index(w.png.id), 'the newest first')
    equal(order(SearchForContentDirection.ASC), down[::-1], 'the oldest first')


@check
def paging(w):
    got = []
    for offset in (0, 2, 4):
        page = find(w, offset=offset, limit=2)
        equal((page.total_count, page.offset, page.limit), (5, offset, 2), 'the frame')
        got += ids(page)
    equal(got, ids(find(w)), 'the pages')
    equal(find(w, limit=1000).limit, 200, 'limit is clamped')


@check
def fields(w):
    page = find(w, type=FILE, file_extensions=['txt'], fields=['name', 'size'])
    keys(page.raw_data['entries'][0], ['type', 'id', 'etag', 'name', 'size'], 'Base and fields')


@check
def in_the_trash(w):
    w.client.files.delete_file_by_id(w.txt.id)
    until('it is not found', lambda: find(w).total_count == 4)
    search = w.client.search.search_for_content
    equal(ids(search(query=w.word, trash_content=SearchForContentTrashContent.TRASHED_ONLY)), [w.txt.id], 'trashed_only')
    equal(search(query=w.word, trash_content=SearchForContentTrashContent.ALL_ITEMS).total_count, 5, 'all_items')
    w.client.trashed_files.restore_file_from_trash(w.txt.id)
    until('it is found again', lambda: find(w).total_count == 5)


@check
def a_rename_is_found(w):
    w.client.files.update_file_by_id(w.txt.id, name=f'numbat {w.word}.txt')
    equal(found(w, f'numbat {w.word}'), [f'numbat {w.word}.txt'], 'the new name')
    equal(found(w, f'{w.word} report'), [], 'the old name')


if __name__ == '__main__':
    run(Area())
