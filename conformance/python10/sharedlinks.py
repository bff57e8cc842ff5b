"""Shared links on files, folders and web links."""

import datetime

import requests
from box_sdk_gen import (
    AddShareLinkToFileSharedLink,
    AddShareLinkToFileSharedLinkAccessField,
    AddShareLinkToFileSharedLinkPermissionsField,
    AddShareLinkToFolderSharedLink,
    AddShareLinkToFolderSharedLinkAccessField,
    AddShareLinkToWebLinkSharedLink,
    AddShareLinkToWebLinkSharedLinkAccessField,
    CreateWebLinkParent,
    UpdateFileByIdSharedLink,
    UpdateSharedLinkOnFileSharedLink,
    UpdateSharedLinkOnFileSharedLinkAccessField,
    UpdateSharedLinkOnFileSharedLinkPermissionsField,
    UpdateSharedLinkOnFolderSharedLink,
    UpdateSharedLinkOnFolderSharedLinkAccessField,
    UpdateSharedLinkOnWebLinkSharedLink,
    UpdateSharedLinkOnWebLinkSharedLinkAccessField,
)

from area import Area, ids, keys, mkdir, new_user, null, put, read, until
from box import refused
from suite import check, content, equal, run, true

DATA = content('shared', 5000)
PASSWORD = 'Secret123@'
LINK = [
    'url', 'download_url', 'vanity_url', 'vanity_name', 'effective_access', 'effective_permission', 'is_password_enabled',
    'unshared_at', 'download_count', 'preview_count', 'access', 'permissions',
]


def header(link_url, password=None):
    return f'shared_link={link_url}' + (f'&shared_link_password={password}' if password else '')


class Kind:
    """The SDK's calls for one type of item, under one name each."""

    def __init__(self, kind, make, plain, add, add_access, update, update_access):
        self.kind, self.make, self.plain = kind, make, plain
        self._add, self._add_access, self._update, self._update_access = add, add_access, update, update_access

    def _api(self, client):
        return getattr(client, f'shared_links_{self.kind}s')

    def add(self, w, item_id, access='open', **options):
        call = getattr(self._api(w.client), f'add_share_link_to_{self.kind}')
        return call(item_id, 'shared_link', shared_link=self._add(access=self._add_access(access), **options))

    def update(self, w, item_id, access):
        call = getattr(self._api(w.client), f'update_shared_link_on_{self.kind}')
        return call(item_id, 'shared_link', shared_link=self._update(access=self._update_access(access)))

    def get(self, w, item_id):
        return getattr(self._api(w.client), f'get_shared_link_for_{self.kind}')(item_id, 'shared_link')

    def remove(self, w, item_id):
        call = getattr(self._api(w.client), f'remove_shared_link_from_{self.kind}')
        return call(item_id, 'shared_link', shared_link=null)

    def find(self, client, boxapi):
        return getattr(self._api(client), f'find_{self.kind}_for_shared_link')(boxapi)


FILE = Kind(
    'file', lambda w, name: put(w.client, w.folder.id, name, DATA),
    lambda client, item_id, **kw: client.files.get_file_by_id(item_id, **kw),
    AddShareLinkToFileSharedLink, AddShareLinkToFileSharedLinkAccessField,
    UpdateSharedLinkOnFileSharedLink, UpdateSharedLinkOnFileSharedLinkAccessField,
)
FOLDER = Kind(
    'folder', lambda w, name: mkdir(w.client, w.folder.id, name),
    lambda client, item_id, **kw: client.folders.get_folder_by_id(item_id, **kw),
    AddShareLinkToFolderSharedLink, AddShareLinkToFolderSharedLinkAccessField,
    UpdateSharedLinkOnFolderSharedLink, UpdateSharedLinkOnFolderSharedLinkAccessField,
)
WEB_LINK = Kind(
    'web_link',
    lambda w, name: w.client.web_links.create_web_link(
        'https://example.com/x', CreateWebLinkParent(id=w.folder.id), name=name
    ),
    lambda client, item_id, **kw: client.web_links.get_web_link_by_id(item_id, **kw),
    AddShareLinkToWebLinkSharedLink, AddShareLinkToWebLinkSharedLinkAccessField,
    UpdateSharedLinkOnWebLinkSharedLink, UpdateSharedLinkOnWebLinkSharedLinkAccessField,
)


@check
def another_user(w):
    _, w.them = new_user(w, 'Link Stranger')


def life_of_a_link(w, on):
    item = on.make(w, f'shared {on.kind}')
    equal(on.get(w, item.id).raw_data['shared_link'], None, 'before')
    added = on.add(w, item.id, password=PASSWORD)
    keys(added.raw_data['shared_link'], LINK, 'the link')
    keys(added.raw_data['shared_link']['permissions'], ['can_preview', 'can_download', 'can_edit'], 'its permissions')
    link = added.shared_link
    equal(
        (added.id, link.access.value, link.effective_access.value, link.is_password_enabled, link.download_count),
        (item.id, 'open', 'open', True, 0), 'the link',
    )
    true(link.url.startswith('http'), 'url')
    if on is FILE:
        true(link.download_url.startswith('http'), 'download_url')
    equal(added.etag, '1', 'etag')
    equal(on.get(w, item.id).shared_link.url, link.url, 'as got')

    refused(404, 'not_found', on.plain, w.them, item.id)
    found = on.find(w.them, header(link.url, PASSWORD))
    equal((found.id, found.type.value, found.name), (item.id, on.kind, f'shared {on.kind}'), 'found by link')
    equal(on.plain(w.them, item.id, boxapi=header(link.url, PASSWORD)).id, item.id, 'got with the link')
    refused(403, 'incorrect_shared_item_password', on.find, w.them, header(link.url, 'wrong'))
    refused(403, 'incorrect_shared_item_password', on.find, w.them, header(link.url))
    refused(404, 'not_found', on.find, w.them, header(link.url + 'x'))

    updated = on.update(w, item.id, 'collaborators')
    equal((updated.shared_link.access.value, updated.shared_link.url), ('collaborators', link.url), 'updated')
    refused(403, 'access_denied_insufficient_permissions', on.find, w.them, header(link.url))
    equal(on.find(w.client, header(link.url)).id, item.id, 'found by its owner')
    equal(on.remove(w, item.id).raw_data['shared_link'], None, 'removed')
    equal(on.get(w, item.id).raw_data['shared_link'], None, 'as got')
    refused(404, 'not_found', on.find, w.them, header(link.url))


@check
def link_of_a_file(w):
    life_of_a_link(w, FILE)


@check
def link_of_a_folder(w):
    life_of_a_link(w, FOLDER)


@check
def link_of_a_web_link(w):
    life_of_a_link(w, WEB_LINK)


@check
def a_file_through_its_link(w):
    file = FILE.make(w, 'bytes.bin')
    link = FILE.add(w, file.id, permissions=AddShareLinkToFileSharedLinkPermissionsField(can_download=True)).shared_link
    equal((link.effective_permission.value, link.permissions.can_download), ('can_download', True), 'permissions')
    equal(read(w.them, file.id, boxapi=header(link.url)), DATA, 'content')
    refused(404, 'not_found', w.them.files.update_file_by_id, file.id, name='theirs')
    equal(requests.get(link.download_url, timeout=30).content, DATA, 'content of download_url')
    until('both downloads are counted', lambda: FILE.get(w, file.id).shared_link.download_count == 2)
    shown = w.client.shared_links_files.update_shared_link_on_file(
        file.id, 'shared_link', shared_link=UpdateSharedLinkOnFileSharedLink(
            permissions=UpdateSharedLinkOnFileSharedLinkPermissionsField(can_download=False)
        ),
    ).shared_link
    equal((shown.effective_permission.value, shown.permissions.can_download), ('can_preview', False), 'without download')
    refused(
        403, 'access_denied_insufficient_permissions', w.them.downloads.download_file, file.id, boxapi=header(link.url)
    )
    equal(read(w.client, file.id), DATA, 'content, for its owner')


@check
def inside_a_folder_through_its_link(w):
    shared = FOLDER.make(w, 'opened')
    inner = mkdir(w.client, shared.id, 'inner')
    file = put(w.client, inner.id, 'deep.bin', DATA)
    outside = put(w.client, w.folder.id, 'outside.bin')
    boxapi = header(FOLDER.add(w, shared.id).shared_link.url)
    equal(ids(w.them.folders.get_folder_items(shared.id, boxapi=boxapi)), [inner.id], 'its items')
    equal(ids(w.them.folders.get_folder_items(inner.id, boxapi=boxapi)), [file.id], 'the items of what is in it')
    equal(read(w.them, file.id, boxapi=boxapi), DATA, 'content')
    refused(404, 'not_found', w.them.files.get_file_by_id, outside.id, boxapi=boxapi)
    refused(404, 'not_found', w.them.folders.get_folder_by_id, w.folder.id, boxapi=boxapi)
    got = w.client.files.get_file_by_id(file.id, fields=['is_accessible_via_shared_link'])
    equal(got.is_accessible_via_shared_link, True, 'is_accessible_via_shared_link')


@check
def unshared_at_vanity_name_company(w):
    file = FILE.make(w, 'detailed.bin')
    at = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)
    vanity = f'vanity-{w.unique}'
    link = FILE.add(w, file.id, 'company', unshared_at=at, vanity_name=vanity).shared_link
    equal((link.access.value, link.unshared_at, link.vanity_name), ('company', at, vanity), 'the link')
    true(link.vanity_url.endswith(vanity), link.vanity_url)
    equal(FILE.find(w.them, header(link.vanity_url)).id, file.id, 'by its vanity URL, in the company')


@check
def through_an_update_of_the_file(w):
    file = FILE.make(w, 'updated.bin')
    added = w.client.files.update_file_by_id(file.id, shared_link=UpdateFileByIdSharedLink())
    equal((added.shared_link.access.value, added.shared_link.is_password_enabled), ('open', False), 'added')
    removed = w.client.files.update_file_by_id(file.id, shared_link=null)
    equal(removed.raw_data['shared_link'], None, 'removed')


@check
def the_page_of_a_link(w):
    link = FILE.add(w, FILE.make(w, 'browsed.bin').id).shared_link
    page = requests.get(link.url, headers={'Accept': 'text/html'}, timeout=30)
    equal((page.status_code, 'browsed.bin' in page.text), (200, True), 'the page')


if __name__ == '__main__':
    run(Area())
