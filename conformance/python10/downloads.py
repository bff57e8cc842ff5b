"""Downloads: whole, in ranges, of a version, by the URL behind them."""

import io

import requests

from area import Area, put, put_version, read, status_of
from box import refused
from suite import check, content, equal, run, true

FIRST, SECOND = content('downloaded', 300_007), content('downloaded later', 200_003)


def fetch(url, **headers):
    return requests.get(url, headers=headers, timeout=30)


@check
def a_file_of_two_versions(w):
    w.file = put(w.client, w.folder.id, 'a "quoted" Ünïcode name.bin', FIRST)
    put_version(w.client, w.file, SECOND)


@check
def whole(w):
    equal(read(w.client, w.file.id), SECOND, 'content')
    out = io.BytesIO()
    w.client.downloads.download_file_to_output_stream(w.file.id, out)
    equal(out.getvalue(), SECOND, 'content, to a stream')


@check
def of_a_version(w):
    equal(read(w.client, w.file.id, version=w.file.file_version.id), FIRST, 'content')
    refused(404, 'not_found', w.client.downloads.download_file, w.file.id, version='990017')


@check
def of_a_range(w):
    for span, want in (
        ('bytes=0-0', SECOND[:1]), ('bytes=1000-1999', SECOND[1000:2000]), ('bytes=200000-', SECOND[200_000:]),
        ('bytes=-77', SECOND[-77:]),
    ):
        equal(read(w.client, w.file.id, range=span), want, span)
    old = read(w.client, w.file.id, range='bytes=250000-250009', version=w.file.file_version.id)
    equal(old, FIRST[250_000:250_010], 'a range of a version')
    equal(status_of(w.client.downloads.download_file, w.file.id, range='bytes=9999999-'), 416, 'beyond the end')


@check
def the_url(w):
    url = w.client.downloads.get_download_file_url(w.file.id)
    plain = fetch(url)
    equal((plain.status_code, plain.headers['Content-Length'], plain.content), (200, '200003', SECOND), 'without a token')
    true("filename*=UTF-8''a%20%22quoted%22%20%C3%9Cn%C3%AFcode%20name.bin" in plain.headers['Content-Disposition'],
         plain.headers['Content-Disposition'])
    equal(plain.headers['X-Content-Type-Options'], 'nosniff', 'X-Content-Type-Options')
    part = fetch(url, Range='bytes=5-9', Authorization=f'Bearer {w.token}')
    equal(
        (part.status_code, part.headers['Content-Range'], part.content), (206, 'bytes 5-9/200003', SECOND[5:10]), 'a range'
    )
    head = requests.head(url, timeout=30)
    equal((head.status_code, head.headers['Content-Length']), (200, '200003'), 'HEAD')
    old = w.client.downloads.get_download_file_url(w.file.id, version=w.file.file_version.id)
    equal(fetch(old).content, FIRST, 'of a version')


@check
def access_token_in_the_query(w):
    url = f'{w.url}/2.0/files/{w.file.id}/content'
    equal(fetch(f'{url}?access_token={w.token}').content, SECOND, 'content')
    none = fetch(url)
    equal((none.status_code, none.content), (401, b''), 'without a token')


@check
def an_empty_file(w):
    empty = put(w.client, w.folder.id, 'empty.bin', b'')
    equal(read(w.client, empty.id), b'', 'content')


@check
def nothing_to_download(w):
    for item in ('990017', w.folder.id):
        refused(404, 'not_found', w.client.downloads.download_file, item)


if __name__ == '__main__':
    run(Area())
