"""What the suites of one area share. Each is a program of its own, which makes
a folder to work in and ends with the count of its checks."""

import datetime
import io
import time

from box_sdk_gen import (
    BoxAPIError,
    CreateFolderParent,
    UploadFileAttributes,
    UploadFileAttributesParentField,
    UploadFileVersionAttributes,
)
from box_sdk_gen.internal.null_value import null  # what the SDK sends as a JSON null

from box import World
from suite import content, equal, sha1_hex, true

__all__ = [
    'NoMatch', 'Area', 'ids', 'keys', 'mkdir', 'names', 'new_user', 'null', 'pages', 'put', 'put_version', 'read', 'status_of',
    'tick', 'until', 'utc',
]


class Area(World):
    """The administrator's client and a folder to work in."""

    @property
    def unique(self):
        """Ends the names of what goes into root folders, users and the like."""
        return self.run_name.removeprefix('python10-')[:13]


def ids(page):
    return [entry.id for entry in page.entries]


def names(page):
    return [entry.name for entry in page.entries]


def keys(raw, want, what):
    """Fails unless the JSON object has exactly these keys."""
    equal(sorted(raw), sorted(want), what)


def tick():
    """Sleeps until the server's clock, which counts whole seconds, has moved."""
    time.sleep(1.1)


def until(what, ask, limit=15):
    """Repeats ask until it answers something true, and returns that."""
    end = time.monotonic() + limit
    while not (answer := ask()):
        true(time.monotonic() < end, f'{what}, within {limit} s')
        time.sleep(0.1)
    return answer


def utc(*when):
    return datetime.datetime(*when, tzinfo=datetime.timezone.utc)


def mkdir(client, parent_id, name):
    return client.folders.create_folder(name, CreateFolderParent(id=parent_id))


def put(client, parent_id, name, data=None):
    """Uploads data, and returns the file."""
    data = content(name, 1000) if data is None else data
    files = client.uploads.upload_file(
        UploadFileAttributes(name=name, parent=UploadFileAttributesParentField(id=parent_id)), io.BytesIO(data)
    )
    equal(files.total_count, 1, 'total_count of an upload')
    file = files.entries[0]
    equal((file.name, file.size, file.sha_1), (name, len(data), sha1_hex(data)), 'what was uploaded')
    return file


def put_version(client, file, data, name=None, **options):
    """Uploads a new version, and returns the file."""
    attributes = UploadFileVersionAttributes(name=name or file.name)
    new = client.uploads.upload_file_version(file.id, attributes, io.BytesIO(data), **options).entries[0]
    equal((new.id, new.sha_1), (file.id, sha1_hex(data)), 'the new version')
    return new


def read(client, file_id, **options):
    return client.downloads.download_file(file_id, **options).read()


def pages(ask, limit):
    """Walks a listing by its markers, and returns the pages."""
    found, marker = [], None
    while True:
        page = ask(usemarker=True, limit=limit, marker=marker)
        found.append(page)
        marker = page.next_marker
        true(marker != '', 'an empty next_marker')
        if marker is None:
            return found
        true(len(found) < 100, 'the end of the markers')


def new_user(w, name):
    """A new user of the enterprise, and the client that acts as them."""
    login = f'{name}.{w.unique}@example.com'.lower().replace(' ', '.')
    user = w.client.users.create_user(name, login=login)
    return user, w.client.with_as_user_header(user.id)


def status_of(call, *args, **kwargs):
    """The status that a call is refused with, or None if it is not."""
    try:
        call(*args, **kwargs)
    except BoxAPIError as err:
        return err.response_info.status_code
    return None


class NoMatch:
    """Sees the statuses of the replies of a session, such as a 304 that the SDK
    takes for an answer it then cannot decode."""

    def __init__(self, w):
        self.seen = []
        get = w.http.request

        def request(method, url, **kwargs):
            reply = get(method, url, **kwargs)
            self.seen.append((reply.status_code, reply.content if reply.status_code == 304 else None))
            return reply

        self._session, self._request, self._old = w.http, request, get

    def __enter__(self):
        self._session.request = self._request
        return self

    def __exit__(self, *_):
        self._session.request = self._old
