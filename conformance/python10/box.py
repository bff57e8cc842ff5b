"""The SDK pointed at boxcar, and small things around it that the checks share."""

import io
import threading
import uuid

import requests
from box_sdk_gen import (
    BaseUrls,
    BoxAPIError,
    BoxClient,
    BoxDeveloperTokenAuth,
    BoxNetworkClient,
    BoxRetryStrategy,
    CreateFolderParent,
    NetworkSession,
    UploadFileAttributes,
    UploadFileAttributesParentField,
)

from suite import env, equal, sha1_header, sha1_hex, true

MIB = 1 << 20
SMALLEST_CHUNKED = 20_000_000  # bytes; Box refuses sessions below this
MEDIUM = 20 * MIB  # three parts of 8 MiB, the last one short


class WatchedSession(requests.Session):
    """Counts requests by method and, where told, drops a reply that has come."""

    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()
        self.sent = {}
        self.lose_reply_of = set()  # of (method, end of the path)

    def request(self, method, url, **kwargs):
        with self._lock:
            self.sent[method] = self.sent.get(method, 0) + 1
        reply = super().request(method, url, **kwargs)
        for lost in self.lose_reply_of:
            if method == lost[0] and url.endswith(lost[1]):
                self.lose_reply_of.remove(lost)
                reply.close()
                raise requests.ConnectionError('the reply was lost')
        return reply


class UnsizedStream(io.BufferedIOBase):
    """Bytes of unknown length that cannot seek: forces chunked transfer encoding."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._data.read(size)


class World:
    def __init__(self):
        self.url = env('BOXCAR_URL').rstrip('/')
        self.token = env('BOXCAR_TOKEN')
        self.big_bytes = int(env('BOXCAR_BIG_BYTES', str((64 << 20) + 12345)))
        self.http = WatchedSession()
        self.client = self.client_for(
            self.token, requests_session=self.http, retry_strategy=BoxRetryStrategy(retry_base_interval=0.1)
        )
        self.run_name = f'python10-{uuid.uuid4()}'
        self.folder = self.client.folders.create_folder(self.run_name, CreateFolderParent(id='0'))

    def client_for(self, token, requests_session=None, **session_options):
        session = NetworkSession(
            network_client=BoxNetworkClient(requests_session),
            base_urls=BaseUrls(
                base_url=self.url,
                upload_url=f'{self.url}/api',
                oauth_2_url=f'{self.url}/api/oauth2',
            ),
            **session_options,
        )
        return BoxClient(BoxDeveloperTokenAuth(token), network_session=session)

    def upload_small(self, name, data):
        files = self.client.uploads.upload_file(
            UploadFileAttributes(name=name, parent=UploadFileAttributesParentField(id=self.folder.id)),
            io.BytesIO(data),
            content_md_5=sha1_hex(data),
        )
        equal(files.total_count, 1, 'total_count of an upload')
        return files.entries[0]

    def download(self, file_id, **options):
        return self.client.downloads.download_file(file_id, **options).read()


def slices(data, part_size):
    return [(at, data[at:at + part_size]) for at in range(0, len(data), part_size)]


def put_part(uploads, session, at, chunk, size, digest=None):
    return uploads.upload_file_part(
        session.id,
        io.BytesIO(chunk),
        digest or sha1_header(chunk),
        f'bytes {at}-{at + len(chunk) - 1}/{size}',
    ).part


def refused(status, code, call, *args, **kwargs):
    """Fails unless the call is refused in this way. Returns what the SDK decoded."""
    try:
        call(*args, **kwargs)
    except BoxAPIError as err:
        info = err.response_info
        equal((info.status_code, info.code), (status, code), 'status and code')
        equal(info.body.get('status'), status, 'status in the body')
        equal(info.body.get('type'), 'error', 'type in the body')
        true(info.request_id, 'request_id')
        return info
    raise AssertionError(f'not refused; want {status} {code}')
