"""Web links: create, get, update, move, delete, trash, restore."""

from box_sdk_gen import (
    CreateWebLinkParent,
    UpdateWebLinkByIdParent,
    UpdateWebLinkByIdSharedLink,
    UpdateWebLinkByIdSharedLinkAccessField,
)

from area import Area, ids, mkdir, names, status_of
from box import refused
from suite import check, equal, run, true

ADDRESS = 'https://example.com/a?b=c#d'


def make(w, name, url=ADDRESS, parent=None, **options):
    return w.client.web_links.create_web_link(url, CreateWebLinkParent(id=parent or w.folder.id), name=name, **options)


@check
def create_and_get(w):
    me = w.client.users.get_user_me()
    made = make(w, 'made', description='Weblink description')
    equal(
        (made.type.value, made.url, made.name, made.description, made.parent.id, made.etag, made.sequence_id),
        ('web_link', ADDRESS, 'made', 'Weblink description', w.folder.id, '0', '0'), 'the web link',
    )
    equal((made.item_status.value, ids(made.path_collection)), ('active', ['0', w.folder.id]), 'status and path')
    equal({made.created_by.id, made.modified_by.id, made.owned_by.id}, {me.id}, 'users')
    equal(w.client.web_links.get_web_link_by_id(made.id).raw_data, made.raw_data, 'as got')
    true(made.id in ids(w.client.folders.get_folder_items(w.folder.id)), 'listed')
    true(make(w, None, 'https://example.com/nameless').name, 'a name made of the URL')


@check
def create_refused(w):
    make(w, 'taken')
    refused(409, 'item_name_in_use', make, w, 'TAKEN')
    refused(404, 'not_found', make, w, 'lost', parent='990017')
    refused(400, 'item_name_invalid', make, w, 'a/b')
    equal(status_of(make, w, 'no URL', 'nonsense'), 400, 'no URL')
    refused(404, 'not_found', w.client.web_links.get_web_link_by_id, '990017')


@check
def update(w):
    target = mkdir(w.client, w.folder.id, 'links moved to')
    made = make(w, 'before')
    change = w.client.web_links.update_web_link_by_id
    changed = change(made.id, name='after', url='https://example.com/other', description='other')
    equal(
        (changed.id, changed.name, changed.url, changed.description, changed.etag),
        (made.id, 'after', 'https://example.com/other', 'other', '1'), 'changed',
    )
    moved = change(made.id, parent=UpdateWebLinkByIdParent(id=target.id))
    equal((moved.parent.id, moved.etag), (target.id, '2'), 'moved')
    equal(names(w.client.folders.get_folder_items(target.id)), ['after'], 'where it is now')
    shared = change(made.id, shared_link=UpdateWebLinkByIdSharedLink(
        access=UpdateWebLinkByIdSharedLinkAccessField.OPEN, password='super-secret-password'
    ))
    equal((shared.shared_link.access.value, shared.shared_link.is_password_enabled), ('open', True), 'shared')
    refused(404, 'not_found', change, '990017', name='x')


@check
def trash_and_restore(w):
    made = make(w, 'thrown away', description='a description')
    bin_ = w.client.trashed_web_links
    w.client.web_links.delete_web_link_by_id(made.id)
    true(made.id not in ids(w.client.folders.get_folder_items(w.folder.id)), 'gone from the listing')
    equal(w.client.web_links.get_web_link_by_id(made.id).item_status.value, 'trashed', 'item_status of a plain GET')
    gone = bin_.get_trashed_web_link_by_id(made.id)
    equal(
        (gone.id, gone.type.value, gone.name, gone.url, gone.item_status.value, gone.parent.id, gone.description),
        (made.id, 'web_link', 'thrown away', ADDRESS, 'trashed', w.folder.id, 'a description'), 'in the trash',
    )
    equal(ids(gone.path_collection), ['1'], 'path_collection')
    true(made.id in ids(w.client.trashed_items.get_trashed_items(limit=1000)), 'listed in the trash')
    make(w, 'thrown away')  # the name is free
    refused(409, 'item_name_in_use', bin_.restore_weblink_from_trash, made.id)
    back = bin_.restore_weblink_from_trash(made.id, name='back again')
    equal((back.id, back.name, back.url, back.item_status.value), (made.id, 'back again', ADDRESS, 'active'), 'restored')
    refused(404, 'not_trashed', bin_.get_trashed_web_link_by_id, made.id)
    w.client.web_links.delete_web_link_by_id(made.id)
    bin_.delete_trashed_web_link_by_id(made.id)
    refused(404, 'not_found', bin_.get_trashed_web_link_by_id, made.id)
    refused(404, 'not_found', w.client.web_links.get_web_link_by_id, made.id)


if __name__ == '__main__':
    run(Area())
