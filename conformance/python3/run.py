"""Drives boxcar with Box's classic Python SDK (boxsdk 3), unmodified.

Environment: BOXCAR_URL, BOXCAR_TOKEN, BOXCAR_WORK (a directory for files),
BOXCAR_BIG_BYTES (default 64 MiB + 12345).
"""

import hashlib
import io
import logging
import os
import random
import subprocess
import sys
import threading
import uuid

import requests
from boxsdk import BoxAPIException, BoxOAuthException, Client, OAuth2
from boxsdk.config import API
from boxsdk.network.default_network import DefaultNetwork
from boxsdk.object.upload_session import UploadSession
from boxsdk.session.session import AuthorizedSession

from suite import check, content, env, equal, run, sha1_hex, true

MIB = 1 << 20
SMALLEST_CHUNKED = 20_000_000  # bytes; Box refuses sessions below this


class FlakyNetwork(DefaultNetwork):
    """Lets only so many part uploads through (None: all) and drops replies that have come."""

    def __init__(self):
        super().__init__()
        self._count = threading.Lock()
        self.parts_left = None
        self.lose_reply_of = set()  # of (method, end of the path)
        self.sent = []

    def request(self, method, url, access_token, **kwargs):
        self.sent.append((method, url))
        if method == 'PUT':
            with self._count:
                if self.parts_left is not None:
                    if self.parts_left == 0:
                        raise requests.exceptions.ConnectionError('the network went away')
                    self.parts_left -= 1
        reply = super().request(method, url, access_token, **kwargs)
        for lost in self.lose_reply_of:
            if method == lost[0] and url.endswith(lost[1]):
                self.lose_reply_of.remove(lost)
                # The SDK sends again only what failed with one of three texts, of which this is one.
                raise requests.exceptions.ConnectionError('Connection aborted.')
        return reply


def point_sdk_at(url):
    API.BASE_API_URL = f'{url}/2.0'
    API.UPLOAD_URL = f'{url}/api/2.0'
    API.OAUTH2_API_URL = f'{url}/oauth2'
    API.OAUTH2_AUTHORIZE_URL = f'{url}/api/oauth2/authorize'


# The SDK's log of every refusal would hide the report.
logging.getLogger('boxsdk').setLevel(logging.CRITICAL)


def client_for(token, network=None):
    oauth = OAuth2(client_id='conformance', client_secret='conformance', access_token=token)
    return Client(oauth, AuthorizedSession(oauth, network_layer=network or DefaultNetwork()))


class World:
    def __init__(self):
        point_sdk_at(env('BOXCAR_URL').rstrip('/'))
        self.token = env('BOXCAR_TOKEN')
        self.work = env('BOXCAR_WORK')
        self.big_bytes = int(env('BOXCAR_BIG_BYTES', str((64 << 20) + 12345)))
        self.client = client_for(self.token)
        self.run_name = f'python3-{uuid.uuid4()}'
        self.folder = self.client.root_folder().create_subfolder(self.run_name)

    def upload_small(self, name, data, **options):
        return self.folder.upload_stream(io.BytesIO(data), name, **options)

    def write(self, name, data):
        path = os.path.join(self.work, name)
        with open(path, 'wb') as out:
            out.write(data)
        return path


def slices(data, part_size):
    return [(at, data[at:at + part_size]) for at in range(0, len(data), part_size)]


def sha1(data):
    return hashlib.sha1(data).digest()


def refused(status, code, call, *args, **kwargs):
    """Fails unless the call is refused in this way. Returns the SDK's exception."""
    try:
        call(*args, **kwargs)
    except BoxAPIException as err:
        equal((err.status, err.code), (status, code), 'status and code')
        true(err.request_id, 'request_id')
        return err
    raise AssertionError(f'not refused; want {status} {code}')


@check
def users_me(w):
    me = w.client.user().get()
    true(me.id.isdigit() and me.login, 'id and login')
    true(w.client.user().get(fields=['enterprise']).enterprise.id, 'enterprise.id')


@check
def folder_create_get_items(w):
    inner = w.folder.create_subfolder('inner')
    w.upload_small('a.txt', b'a')
    equal(inner.get().parent.id, w.folder.id, 'parent')
    equal([(i.type, i.name) for i in w.folder.get_items()], [('folder', 'inner'), ('file', 'a.txt')], 'items')
    equal([i.name for i in w.folder.get_items(limit=1)], ['inner', 'a.txt'], 'items page by page')
    equal([i.name for i in w.folder.get_items(limit=1, use_marker=True)], ['inner', 'a.txt'], 'items by marker')


@check
def preflight(w):
    true(w.folder.preflight_check(size=5, name='free.bin').startswith('http'), 'upload_url')
    true(w.folder.preflight_check(size=0, name='free.bin'), 'upload_url for an unknown size')
    file = w.upload_small('free.bin', b'12345', preflight_check=True, preflight_expected_size=5)
    true(file.preflight_check(size=6).startswith('http'), 'upload_url of a version')
    # Without a preflight the SDK asks for the upload URL with an OPTIONS that has no body, and lives with a refusal.
    accelerated = w.upload_small('accelerated.bin', b'fast', upload_using_accelerator=True)
    equal(accelerated.content(), b'fast', 'content')


@check
def small_upload_and_download(w):
    data = content('small', 300_000)
    file = w.upload_small('small.bin', data, sha1=sha1_hex(data), file_description='what it is')
    equal((file.name, file.size, file.sha1), ('small.bin', len(data), sha1_hex(data)), 'file')
    equal(file.get().description, 'what it is', 'description')
    equal(file.content(), data, 'content')
    equal(file.content(byte_range=(100, 199)), data[100:200], 'a range')
    out = io.BytesIO()
    file.download_to(out)
    equal(out.getvalue(), data, 'streamed content')
    equal(requests.get(file.get_download_url(), timeout=30).content, data, 'content behind the download URL')
    refused(400, 'bad_digest', w.upload_small, 'never.bin', b'these bytes', sha1=sha1_hex(b'other bytes'))


@check
def small_version_and_versions_list(w):
    old, new = content('v1', 1000), content('v2', 2000)
    file = w.upload_small('versions.bin', old)
    second = file.update_contents_with_stream(io.BytesIO(new), etag=file.etag)
    equal((second.id, second.etag, second.sha1), (file.id, '1', sha1_hex(new)), 'the new version')
    refused(412, 'precondition_failed', file.update_contents_with_stream, io.BytesIO(old), etag=file.etag)
    past = list(file.get_previous_versions())
    equal([(v.id, v.sha1) for v in past], [(file.file_version.id, sha1_hex(old))], 'past versions')
    equal(file.content(file_version=past[0]), old, 'content of the past version')
    equal(file.content(), new, 'content')


@check
def chunked_uploader_with_threads(w):
    w.big = content('big', w.big_bytes)
    uploader = w.folder.get_chunked_uploader(w.write('big.bin', w.big))
    w.big_file = uploader.start()
    equal((w.big_file.name, w.big_file.size), ('big.bin', len(w.big)), 'name and size')
    equal(w.big_file.content(), w.big, 'content')


@check
def chunked_uploader_of_a_version(w):
    data = content('big, later', SMALLEST_CHUNKED + 1)
    uploader = w.big_file.get_chunked_uploader(w.write('later.bin', data), rename_file=True)
    file = uploader.start()
    equal((file.id, file.name, file.sha1), (w.big_file.id, 'later.bin', sha1_hex(data)), 'file')
    equal([v.sha1 for v in file.get_previous_versions()], [sha1_hex(w.big)], 'past versions')


@check
def chunked_uploader_follows_session_endpoints(w):
    # With its UPLOAD_URL unchanged the SDK takes the URLs from the session, else it builds them from the id.
    data = content('endpoints', SMALLEST_CHUNKED)
    network = FlakyNetwork()
    folder = client_for(w.token, network).folder(w.folder.id)
    usual = UploadSession._default_upload_url
    UploadSession._default_upload_url = API.UPLOAD_URL
    try:
        session = folder.create_upload_session(len(data), 'endpoints.bin')
        file = session.get_chunked_uploader_for_stream(io.BytesIO(data), len(data)).start()
        equal(file.content(), data, 'content')
        true(session.abort(), 'abort after commit')
    finally:
        UploadSession._default_upload_url = usual
    for name in ('upload_part', 'commit', 'abort'):
        true(session.session_endpoints[name] in [url for _, url in network.sent], f'{name} was requested')


@check
def chunked_uploader_resumes_after_the_network_failed(w):
    data = content('resume', 10 * 8 * MIB - 99)
    network = FlakyNetwork()
    folder = client_for(w.token, network).folder(w.folder.id)
    session = folder.create_upload_session(len(data), 'resumed.bin')
    uploader = session.get_chunked_uploader_for_stream(io.BytesIO(data), len(data))
    network.parts_left = 4
    try:
        uploader.start()
        raise AssertionError('the upload should have failed')
    except requests.exceptions.ConnectionError:
        pass
    network.parts_left = None
    equal(session.get().num_parts_processed, 4, 'num_parts_processed when it failed')
    puts = len([1 for method, _ in network.sent if method == 'PUT'])
    file = uploader.resume()
    equal(len([1 for method, _ in network.sent if method == 'PUT']) - puts, 6, 'parts sent by resume')
    equal(file.content(), data, 'content')


@check
def uploads_when_replies_are_lost(w):
    data = content('lost', SMALLEST_CHUNKED)
    network = FlakyNetwork()
    folder = client_for(w.token, network).folder(w.folder.id)
    session = folder.create_upload_session(len(data), 'lost.bin')
    network.lose_reply_of = {('PUT', session.id), ('POST', '/commit'), ('DELETE', session.id)}
    parts = [session.upload_part_bytes(chunk, at, len(data)) for at, chunk in slices(data, session.part_size)]
    file = session.commit(sha1(data), parts=parts)
    true(session.abort(), 'abort after commit')
    equal(network.lose_reply_of, set(), 'replies not yet lost')
    equal(file.content(), data, 'content')
    equal(list(file.get_previous_versions()), [], 'past versions')


@check
def upload_continues_after_the_process_died(w):
    data = content('killed', 6 * 8 * MIB + 5)
    path = w.write('killed.bin', data)
    session = w.folder.create_upload_session(len(data), 'killed.bin')
    child = subprocess.run([sys.executable, os.path.abspath(__file__), 'die', session.id, path], timeout=120)
    equal(child.returncode, 9, 'exit code of the process that was to die')
    session = w.client.upload_session(session.id).get()
    parts = {p['offset']: p for p in session.get_parts()}
    true(0 < len(parts) < session.total_parts, f'{len(parts)} of {session.total_parts} parts stored')
    equal(session.num_parts_processed, len(parts), 'num_parts_processed')
    for at, chunk in slices(data, session.part_size):
        if at not in parts:
            parts[at] = session.upload_part_bytes(chunk, at, len(data))
    equal(session.commit(sha1(data), parts=list(parts.values())).content(), data, 'content')


def die_while_uploading(session_id, path):
    """Ends the process without warning in the middle of the third part's bytes."""
    point_sdk_at(env('BOXCAR_URL').rstrip('/'))
    session = client_for(env('BOXCAR_TOKEN')).upload_session(session_id).get()

    class Dying(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > session.part_size // 2:
                os._exit(9)
            return super().read(min(65536, size) if size and size > 0 else 65536)

    with open(path, 'rb') as source:
        data = source.read()
    for n, (at, chunk) in enumerate(slices(data, session.part_size)):
        if n < 2:
            session.upload_part_bytes(chunk, at, len(data))
        else:
            session.upload_part_bytes(Dying(chunk), at, len(data), sha1(chunk))


@check
def session_with_parts_in_random_order(w):
    data = content('manual', SMALLEST_CHUNKED)
    session = w.folder.create_upload_session(len(data), 'manual.bin')
    equal((session.part_size, session.total_parts, session.num_parts_processed), (8 * MIB, 3, 0), 'session')
    todo = slices(data, session.part_size)
    random.Random(7).shuffle(todo)
    parts = []
    for at, chunk in todo:
        part = session.upload_part_bytes(chunk, at, len(data))
        equal((part['offset'], part['size'], part['sha1']), (at, len(chunk), sha1_hex(chunk)), 'part')
        parts.append(part)
    at, chunk = todo[0]
    equal(session.upload_part_bytes(chunk, at, len(data)), parts[0], 'the same part sent again')
    equal(session.get().num_parts_processed, 3, 'num_parts_processed')
    in_order = sorted(parts, key=lambda p: p['offset'])
    equal([dict(p) for p in session.get_parts()], in_order, 'parts listed')
    equal([p['offset'] for p in session.get_parts(limit=1)], [p['offset'] for p in in_order], 'parts, page by page')
    equal([p['offset'] for p in session.get_parts(limit=1, offset=2)], [2 * session.part_size], 'slot 2')

    refused(400, 'parts_mismatch', session.commit, sha1(data), parts=parts[:-1])
    refused(400, 'digest_mismatch', session.commit, sha1(b'no'), parts=parts)
    file = session.commit(
        sha1(data), parts=parts,
        file_attributes={'description': 'by hand', 'content_modified_at': '2017-04-08T00:58:08Z'},
    )
    equal(file.description, 'by hand', 'description')
    equal(file.content_modified_at[:19], '2017-04-08T00:58:08', 'content_modified_at')
    equal(file.content(), data, 'content')
    equal(session.commit(sha1(data), parts=parts).id, file.id, 'the same commit again')
    true(session.abort(), 'abort after commit')
    equal(file.content(byte_range=(0, 9)), data[:10], 'content after abort')


@check
def commit_without_a_parts_list(w):
    # The SDK then lists the parts itself and commits what it was told.
    data = content('unlisted', SMALLEST_CHUNKED)
    session = w.folder.create_upload_session(len(data), 'unlisted.bin')
    for at, chunk in slices(data, session.part_size):
        session.upload_part_bytes(chunk, at, len(data))
    equal(session.commit(sha1(data)).sha1, sha1_hex(data), 'sha1')


@check
def parts_refused(w):
    data = content('refused', SMALLEST_CHUNKED)
    session = w.folder.create_upload_session(len(data), 'refused.bin')
    (at, chunk), (_, second) = slices(data, session.part_size)[:2]
    refused(400, 'digest_mismatch', session.upload_part_bytes, chunk, at, len(data), sha1(b'no'))
    refused(416, 'range_not_satisfiable', session.upload_part_bytes, chunk, at, len(data) + 1)
    stored = session.upload_part_bytes(chunk, at, len(data))
    err = refused(416, 'range_overlaps_existing_part', session.upload_part_bytes, second, at, len(data))
    equal(err.context_info['conflicting_part'], stored, 'conflicting_part')
    true(session.abort(), 'abort')


@check
def abort(w):
    data = content('abort', SMALLEST_CHUNKED)
    session = w.folder.create_upload_session(len(data), 'abort.bin')
    session.upload_part_bytes(data[:session.part_size], 0, len(data))
    true(session.abort(), 'abort')
    refused(404, 'not_found', session.get)
    refused(404, 'not_found', session.upload_part_bytes, data[:session.part_size], 0, len(data))
    true(session.abort(), 'abort again')
    uploader = w.folder.get_chunked_uploader(w.write('abort.bin', data))
    true(uploader.abort(), 'the uploader')


@check
def plan(w):
    # This SDK has no call for it; sent through its own session, as its make_request documents.
    data = content('plan', SMALLEST_CHUNKED)
    file = w.folder.get_chunked_uploader(w.write('plan.bin', data)).start()
    session = file.create_upload_session(len(data))
    offered = [
        {'offset': at, 'size': len(chunk), 'sha512': hashlib.sha512(chunk).hexdigest()}
        for at, chunk in slices(data, session.part_size)
    ]
    answer = w.client.make_request('POST', session.session_endpoints['plan'], json={'parts': offered}).json()
    equal(answer['upload_session_id'], session.id, 'upload_session_id')
    equal([(h['offset'], h['size']) for h in answer['hits']], [(p['offset'], p['size']) for p in offered], 'hits')
    equal(answer['misses'], [], 'misses')
    parts = [{k: h[k] for k in ('part_id', 'offset', 'size')} for h in answer['hits']]
    equal(session.commit(sha1(data), parts=parts, etag=file.etag).id, file.id, 'the version made of hits')


@check
def name_conflicts(w):
    file = w.upload_small('taken.bin', b'first')
    for call in (
        lambda: w.upload_small('Taken.BIN', b'second'),
        lambda: w.folder.preflight_check(size=9, name='taken.bin'),
        lambda: w.folder.create_upload_session(SMALLEST_CHUNKED, 'taken.bin'),
    ):
        found = refused(409, 'item_name_in_use', call).context_info['conflicts']
        equal((found['type'], found['id'], found['sha1']), ('file', file.id, sha1_hex(b'first')), 'conflicts')
    err = refused(409, 'item_name_in_use', w.client.root_folder().create_subfolder, w.run_name)
    equal([c['id'] for c in err.context_info['conflicts']], [w.folder.id], 'conflicts of a folder, an array')
    refused(400, 'file_size_too_small', w.folder.create_upload_session, SMALLEST_CHUNKED - 1, 'tiny.bin')


@check
def wrong_token(w):
    client = client_for('wrong')
    try:
        client.user().get()
        raise AssertionError('accepted')
    except BoxOAuthException as err:  # a 401 makes the SDK refresh, which it cannot
        true(err.status in (400, 401), f'status of the refused refresh: {err.status}')
    try:
        client.session.get(client.session.get_url('users', 'me'), auto_session_renewal=False)
        raise AssertionError('accepted')
    except BoxAPIException as err:
        equal((err.status, err.network_response.content), (401, b''), 'status and body')
        true('invalid_token' in err.headers.get('WWW-Authenticate', ''), f'headers: {err.headers}')


@check
def delete_and_trash(w):
    file = w.upload_small('trash.bin', b'thrown away')
    true(file.delete(), 'delete')
    true('trash.bin' not in [i.name for i in w.folder.get_items()], 'the listing after delete')
    trashed = w.client.trash().get_item(w.client.file(file.id))
    equal((trashed.id, trashed.item_status), (file.id, 'trashed'), 'id and item_status')
    true(trashed.trashed_at, 'trashed_at')
    restored = w.client.trash().restore_item(w.client.file(file.id))
    equal(restored.content(), b'thrown away', 'content after restore')
    restored.delete()
    true(w.client.trash().permanently_delete_item(w.client.file(file.id)), 'permanent delete')
    refused(404, 'not_found', w.client.trash().get_item, w.client.file(file.id))


@check
def delete_folder(w):
    refused(400, 'folder_not_empty', w.folder.delete, recursive=False)
    true(w.folder.delete(recursive=True), 'delete')
    refused(404, 'trashed', w.folder.get)


if __name__ == '__main__':
    if sys.argv[1:2] == ['die']:
        die_while_uploading(*sys.argv[2:])
    else:
        run(World())
