"""Recent items."""

import time

from area import Area, new_user, put, put_version, tick
from suite import check, equal, run, true


@check
def none_at_first(w):
    _, w.them = new_user(w, 'Recent User')  # whose recent items are these only
    none = w.them.recent_items.get_recent_items()
    equal((none.entries, none.limit, none.next_marker), ([], 100, None), 'recent items')


@check
def newest_first(w):
    made = []
    for name in ('one.txt', 'two.txt', 'three.txt'):
        made.append(put(w.them, '0', name))
        tick()
    put_version(w.them, made[0], b'modified')
    page = w.them.recent_items.get_recent_items()
    equal([e.item.id for e in page.entries], [made[0].id, made[2].id, made[1].id], 'the order')
    for entry in page.entries:
        equal(entry.type, 'recent_item', 'type')
        true(entry.interaction_type.value in ('item_upload', 'item_modify', 'item_open', 'item_preview'), 'interaction_type')
        true(abs(entry.interacted_at.timestamp() - time.time()) < 60, 'interacted_at')
    equal(page.raw_data['order'], {'by': 'interacted_at', 'direction': 'DESC'}, 'order')
    last = page.entries[2]
    equal((last.interaction_type.value, last.item.name), ('item_upload', 'two.txt'), 'an upload')


@check
def paging_and_fields(w):
    got, marker = [], None
    while True:
        page = w.them.recent_items.get_recent_items(limit=2, marker=marker, fields=['name', 'size'])
        equal(page.limit, 2, 'limit')
        got += [e.item.name for e in page.entries]
        true('sha1' not in page.raw_data['entries'][0]['item'], 'fields')
        marker = page.next_marker
        if marker is None:
            break
        true(marker != '' and len(got) < 10, 'an end')
    equal(got, ['one.txt', 'three.txt', 'two.txt'], 'the pages')


@check
def not_from_the_trash(w):
    gone = w.them.folders.get_folder_items('0').entries[0].id
    w.them.files.delete_file_by_id(gone)
    true(gone not in [e.item.id for e in w.them.recent_items.get_recent_items().entries], 'gone')


if __name__ == '__main__':
    run(Area())
