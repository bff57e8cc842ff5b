"""Drives boxcar with Box's generated Python SDK (boxsdk 10), unmodified.

Environment: BOXCAR_URL, BOXCAR_TOKEN, BOXCAR_BIG_BYTES (default 64 MiB + 12345).
"""

import io
import random
from concurrent.futures import ThreadPoolExecutor

import requests
from box_sdk_gen import (
    BoxAPIError,
    BoxRetryStrategy,
    BoxSDKError,
    CreateFolderParent,
    PreflightFileUploadCheckParent,
    UploadFileAttributes,
    UploadFileAttributesParentField,
    UploadFileVersionAttributes,
    UploadPart,
    UploadPartPlan,
)
from box_sdk_gen.managers.uploads import (
    UploadWithPreflightCheckAttributes,
    UploadWithPreflightCheckAttributesParentField,
)

from box import MEDIUM, MIB, SMALLEST_CHUNKED, UnsizedStream, World, put_part, refused, slices
from suite import check, content, equal, run, sha1_header, sha1_hex, sha512_hex, true


@check
def users_me(w):
    me = w.client.users.get_user_me()
    true(me.id and me.id.isdigit(), 'id')
    true(me.login, 'login')
    equal(me.type.value, 'user', 'type')
    named = w.client.users.get_user_me(fields=['enterprise'])
    true(named.enterprise.id, 'enterprise.id')


@check
def folder_create_get_items(w):
    inner = w.client.folders.create_folder('inner', CreateFolderParent(id=w.folder.id))
    w.upload_small('a.txt', b'a')
    got = w.client.folders.get_folder_by_id(inner.id)
    equal(got.name, 'inner', 'name')
    equal(got.parent.id, w.folder.id, 'parent')
    equal([e.id for e in got.path_collection.entries], ['0', w.folder.id], 'path')
    items = w.client.folders.get_folder_items(w.folder.id)
    equal([(e.type.value, e.name) for e in items.entries], [('folder', 'inner'), ('file', 'a.txt')], 'items')
    equal(items.total_count, 2, 'total_count')
    # The SDK writes usemarker=True, with a capital letter.
    first = w.client.folders.get_folder_items(w.folder.id, usemarker=True, limit=1)
    true(first.next_marker, 'next_marker of the first page')
    second = w.client.folders.get_folder_items(w.folder.id, usemarker=True, limit=1, marker=first.next_marker)
    equal({first.entries[0].name, second.entries[0].name}, {'inner', 'a.txt'}, 'both pages')
    equal(second.next_marker or None, None, 'next_marker of the last page')


@check
def preflight(w):
    parent = PreflightFileUploadCheckParent(id=w.folder.id)
    answer = w.client.uploads.preflight_file_upload_check(name='free.bin', size=5, parent=parent)
    true(answer.upload_url.startswith('http'), 'upload_url')
    files = w.client.uploads.upload_with_preflight_check(
        UploadWithPreflightCheckAttributes(
            name='free.bin', size=5, parent=UploadWithPreflightCheckAttributesParentField(id=w.folder.id)
        ),
        io.BytesIO(b'12345'),
    )
    equal(w.download(files.entries[0].id), b'12345', 'content')


@check
def small_upload_and_download(w):
    data = content('small', 300_000)
    file = w.upload_small('small.bin', data)
    equal(file.name, 'small.bin', 'name')
    equal(file.size, len(data), 'size')
    equal(file.sha_1, sha1_hex(data), 'sha1')
    equal((file.etag, file.sequence_id), ('0', '0'), 'etag and sequence_id')
    equal(file.parent.id, w.folder.id, 'parent')
    equal(w.download(file.id), data, 'content')
    equal(w.download(file.id, range='bytes=100-199'), data[100:200], 'a range')
    url = w.client.downloads.get_download_file_url(file.id)
    equal(requests.get(url, timeout=30).content, data, 'content behind the download URL, without a token')


@check
def small_upload_of_a_stream(w):
    data = content('stream', 200_000)
    file = w.client.uploads.upload_file(
        UploadFileAttributes(name='stream.bin', parent=UploadFileAttributesParentField(id=w.folder.id)),
        UnsizedStream(data),
    ).entries[0]
    equal(w.download(file.id), data, 'content')


@check
def empty_file(w):
    file = w.upload_small('empty.bin', b'')
    equal(file.size, 0, 'size')
    equal(w.download(file.id), b'', 'content')


@check
def small_upload_with_a_wrong_digest(w):
    refused(
        400, 'bad_digest', w.client.uploads.upload_file,
        UploadFileAttributes(name='never.bin', parent=UploadFileAttributesParentField(id=w.folder.id)),
        io.BytesIO(b'these bytes'),
        content_md_5=sha1_hex(b'other bytes'),
    )


@check
def small_version_and_versions_list(w):
    old, new = content('v1', 1000), content('v2', 2000)
    file = w.upload_small('versions.bin', old)

    def upload(data, etag):
        return w.client.uploads.upload_file_version(
            file.id, UploadFileVersionAttributes(name='versions.bin'), io.BytesIO(data), if_match=etag
        ).entries[0]

    second = upload(new, file.etag)
    equal(second.id, file.id, 'id')
    equal(second.etag, '1', 'etag')
    true(second.file_version.id != file.file_version.id, 'a new file_version')
    equal(w.download(file.id), new, 'content')
    refused(412, 'precondition_failed', upload, old, file.etag)
    versions = w.client.file_versions.get_file_versions(file.id)
    equal(versions.total_count, 1, 'total_count: past versions only')
    equal(versions.entries[0].id, file.file_version.id, 'the past version')
    equal(versions.entries[0].sha_1, sha1_hex(old), 'its sha1')
    equal(w.download(file.id, version=versions.entries[0].id), old, 'its content')


@check
def upload_big_file(w):
    w.big = content('big', w.big_bytes)
    w.big_file = w.client.chunked_uploads.upload_big_file(io.BytesIO(w.big), 'big.bin', len(w.big), w.folder.id)
    equal(w.big_file.name, 'big.bin', 'name')
    equal(w.big_file.size, len(w.big), 'size')
    equal(w.big_file.sha_1, sha1_hex(w.big), 'sha1')
    equal(w.big_file.parent.id, w.folder.id, 'parent')
    equal(w.download(w.big_file.id), w.big, 'content')


@check
def upload_big_file_version_sends_only_what_changed(w):
    part_size = 8 * MIB
    changed = bytearray(w.big)
    changed[part_size + 5] ^= 0xFF
    changed = bytes(changed)
    puts = w.http.sent.get('PUT', 0)
    file = w.client.chunked_uploads.upload_big_file_version(
        w.big_file.id, io.BytesIO(changed), len(changed), file_name='renamed.bin'
    )
    equal(w.http.sent.get('PUT', 0) - puts, 1, 'parts sent')
    equal(file.id, w.big_file.id, 'id')
    equal(file.name, 'renamed.bin', 'name')
    equal(file.sha_1, sha1_hex(changed), 'sha1')
    equal(w.download(file.id), changed, 'content')
    past = w.client.file_versions.get_file_versions(file.id).entries
    equal([v.sha_1 for v in past], [sha1_hex(w.big)], 'past versions')
    equal(w.download(file.id, version=past[0].id), w.big, 'content of the past version')


@check
def upload_big_file_of_whole_parts(w):
    data = content('whole parts', 24 * MIB)
    file = w.client.chunked_uploads.upload_big_file(io.BytesIO(data), 'whole.bin', len(data), w.folder.id)
    equal(w.download(file.id), data, 'content')


@check
def upload_big_file_when_replies_are_lost(w):
    data = content('lost', SMALLEST_CHUNKED)
    w.http.lose_reply_of = {('POST', '/files/upload_sessions'), ('POST', '/commit')}
    file = w.client.chunked_uploads.upload_big_file(io.BytesIO(data), 'lost.bin', len(data), w.folder.id)
    equal(w.http.lose_reply_of, set(), 'replies not yet lost')
    equal(w.download(file.id), data, 'content')
    session = w.client.chunked_uploads.create_file_upload_session_for_existing_file(file.id, len(data))
    w.http.lose_reply_of = {('PUT', session.id), ('DELETE', session.id)}
    put_part(w.client.chunked_uploads, session, 0, data[:session.part_size], len(data))
    w.client.chunked_uploads.delete_file_upload_session_by_id(session.id)
    equal(w.http.lose_reply_of, set(), 'replies not yet lost')
    equal(w.client.file_versions.get_file_versions(file.id).total_count, 0, 'past versions')


@check
def session_by_id_with_parts_in_random_order(w):
    up = w.client.chunked_uploads
    data = content('by id', SMALLEST_CHUNKED)
    session = up.create_file_upload_session(w.folder.id, len(data), 'by-id.bin')
    equal(session.type.value, 'upload_session', 'type')
    equal((session.part_size, session.total_parts), (8 * MIB, 3), 'part_size and total_parts')
    equal(session.num_parts_processed, 0, 'num_parts_processed')
    true(session.session_expires_at.utcoffset() is not None, 'session_expires_at with an offset')

    todo = slices(data, session.part_size)
    random.Random(7).shuffle(todo)
    parts = {}
    for n, (at, chunk) in enumerate(todo, 1):
        part = put_part(up, session, at, chunk, len(data))
        equal((part.offset, part.size, part.sha_1), (at, len(chunk), sha1_hex(chunk)), 'part')
        parts[at] = part
        status = up.get_file_upload_session_by_id(session.id)
        equal(status.num_parts_processed, n, 'num_parts_processed')
        equal(status.session_expires_at, session.session_expires_at, 'session_expires_at')

    at, chunk = todo[0]
    again = put_part(up, session, at, chunk, len(data))
    equal(again.to_dict(), parts[at].to_dict(), 'the same part sent again')

    listed = up.get_file_upload_session_parts(session.id)
    equal(listed.total_count, 3, 'total_count')
    equal([p.offset for p in listed.entries], sorted(parts), 'offsets listed')
    equal([p.to_dict() for p in listed.entries], [parts[k].to_dict() for k in sorted(parts)], 'parts listed')
    one = up.get_file_upload_session_parts(session.id, offset=1, limit=1)
    equal([p.offset for p in one.entries], [session.part_size], 'slot 1')
    equal((one.offset, one.limit, one.total_count), (1, 1, 3), 'paging fields')

    in_order = [parts[k] for k in sorted(parts)]
    refused(400, 'parts_mismatch', up.create_file_upload_session_commit, session.id, in_order[:-1], sha1_header(data))
    refused(400, 'digest_mismatch', up.create_file_upload_session_commit, session.id, in_order, sha1_header(b'no'))
    committed = up.create_file_upload_session_commit(session.id, in_order, sha1_header(data))
    equal((committed.total_count, len(committed.entries)), (1, 1), 'entries')
    file = committed.entries[0]
    equal((file.name, file.size, file.sha_1), ('by-id.bin', len(data), sha1_hex(data)), 'file')
    equal(w.download(file.id), data, 'content')

    repeated = up.create_file_upload_session_commit(session.id, in_order, sha1_header(data))
    equal(repeated.entries[0].id, file.id, 'the same file for the same commit')
    equal(repeated.entries[0].file_version.id, file.file_version.id, 'and no new version')
    equal(up.get_file_upload_session_by_id(session.id).num_parts_processed, 3, 'after commit')
    up.delete_file_upload_session_by_id(session.id)
    equal(w.download(file.id, range='bytes=0-9'), data[:10], 'content after the session was deleted')


@check
def session_by_url_with_parts_in_parallel(w):
    up = w.client.chunked_uploads
    data = content('by url', 5 * 8 * MIB + 1)
    session = up.create_file_upload_session(w.folder.id, len(data), 'by-url.bin')
    urls = session.session_endpoints
    for name in ('upload_part', 'commit', 'abort', 'list_parts', 'status', 'log_event', 'plan'):
        true(str(getattr(urls, name)).startswith('http'), name)

    def put(todo):
        at, chunk = todo
        return up.upload_file_part_by_url(
            urls.upload_part, io.BytesIO(chunk), sha1_header(chunk), f'bytes {at}-{at + len(chunk) - 1}/{len(data)}'
        ).part

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(put, slices(data, session.part_size)))
    equal(up.get_file_upload_session_by_url(urls.status).num_parts_processed, len(parts), 'num_parts_processed')
    equal(len(up.get_file_upload_session_parts_by_url(urls.list_parts).entries), len(parts), 'parts listed')
    random.Random(8).shuffle(parts)
    file = up.create_file_upload_session_commit_by_url(urls.commit, parts, sha1_header(data)).entries[0]
    equal(w.download(file.id), data, 'content')
    up.delete_file_upload_session_by_url(urls.abort)


@check
def part_of_unknown_length(w):
    up = w.client.chunked_uploads
    data = content('unsized', SMALLEST_CHUNKED)
    session = up.create_file_upload_session(w.folder.id, len(data), 'unsized.bin')
    parts = [
        up.upload_file_part(
            session.id, UnsizedStream(chunk), sha1_header(chunk), f'bytes {at}-{at + len(chunk) - 1}/{len(data)}'
        ).part
        for at, chunk in slices(data, session.part_size)
    ]
    file = up.create_file_upload_session_commit(session.id, parts, sha1_header(data)).entries[0]
    equal(file.sha_1, sha1_hex(data), 'sha1')


@check
def parts_refused(w):
    up = w.client.chunked_uploads
    data = content('refused', SMALLEST_CHUNKED)
    session = up.create_file_upload_session(w.folder.id, len(data), 'refused.bin')
    (at, chunk), (second_at, second) = slices(data, session.part_size)[:2]
    refused(400, 'digest_mismatch', put_part, up, session, at, chunk, len(data), digest=sha1_header(b'no'))
    refused(416, 'range_not_satisfiable', put_part, up, session, at + 1, chunk, len(data))
    refused(416, 'range_not_satisfiable', put_part, up, session, at, chunk, len(data) + 1)
    equal(up.get_file_upload_session_by_id(session.id).num_parts_processed, 0, 'num_parts_processed')
    stored = put_part(up, session, at, chunk, len(data))
    info = refused(416, 'range_overlaps_existing_part', put_part, up, session, at, second, len(data))
    equal(info.context_info['conflicting_part'], stored.to_dict(), 'conflicting_part')
    put_part(up, session, second_at, second, len(data))
    up.delete_file_upload_session_by_id(session.id)


@check
def abort(w):
    up = w.client.chunked_uploads
    data = content('abort', SMALLEST_CHUNKED)
    session = up.create_file_upload_session(w.folder.id, len(data), 'abort.bin')
    at, chunk = slices(data, session.part_size)[0]
    put_part(up, session, at, chunk, len(data))
    up.delete_file_upload_session_by_id(session.id)
    refused(404, 'not_found', up.get_file_upload_session_by_id, session.id)
    refused(404, 'not_found', up.get_file_upload_session_parts, session.id)
    refused(404, 'not_found', put_part, up, session, at, chunk, len(data))
    up.delete_file_upload_session_by_id(session.id)


@check
def plan_finds_the_current_version(w):
    up = w.client.chunked_uploads
    data = content('plan', MEDIUM)
    file = up.upload_big_file(io.BytesIO(data), 'plan.bin', len(data), w.folder.id)
    session = up.create_file_upload_session_for_existing_file(file.id, len(data))
    offered = [
        UploadPartPlan(offset=at, size=len(chunk), sha_512=sha512_hex(chunk))
        for at, chunk in slices(data, session.part_size)
    ]
    unknown = UploadPartPlan(offset=0, size=session.part_size, sha_512=sha512_hex(b'nobody has this'))
    miss = up.create_file_upload_session_plan(session.id, [unknown])
    equal((len(miss.hits), [m.to_dict() for m in miss.misses]), (0, [unknown.to_dict()]), 'an unknown part')

    plan = up.create_file_upload_session_plan_by_url(session.session_endpoints.plan, offered)
    equal(plan.upload_session_id, session.id, 'upload_session_id')
    equal((len(plan.hits), len(plan.misses)), (len(offered), 0), 'hits and misses')
    equal([(h.offset, h.size, h.sha_512) for h in plan.hits], [(p.offset, p.size, p.sha_512) for p in offered], 'hits')
    true(all(h.part_id for h in plan.hits), 'part_id of every hit')
    parts = [UploadPart(part_id=h.part_id, offset=h.offset, size=h.size) for h in plan.hits]
    again = up.create_file_upload_session_commit(session.id, parts, sha1_header(data), if_match=file.etag).entries[0]
    equal((again.id, again.sha_1), (file.id, sha1_hex(data)), 'the version made of hits')
    equal(w.download(file.id), data, 'content')


@check
def version_session_with_preconditions(w):
    up = w.client.chunked_uploads
    file = w.upload_small('grows.bin', b'small at first')
    data = content('grown', SMALLEST_CHUNKED)
    session = up.create_file_upload_session_for_existing_file(file.id, len(data), file_name='grows.bin')
    parts = [put_part(up, session, at, chunk, len(data)) for at, chunk in slices(data, session.part_size)]
    refused(
        412, 'precondition_failed', up.create_file_upload_session_commit,
        session.id, parts, sha1_header(data), if_match='77',
    )
    grown = up.create_file_upload_session_commit(session.id, parts, sha1_header(data), if_match=file.etag).entries[0]
    equal((grown.id, grown.etag, grown.size), (file.id, '1', len(data)), 'the new version')


@check
def name_conflicts(w):
    file = w.upload_small('taken.bin', b'first')

    def conflict(call, *args, **kwargs):
        return refused(409, 'item_name_in_use', call, *args, **kwargs).context_info['conflicts']

    attributes = UploadFileAttributes(name='Taken.BIN', parent=UploadFileAttributesParentField(id=w.folder.id))
    for found in (
        conflict(w.client.uploads.upload_file, attributes, io.BytesIO(b'second')),
        conflict(
            w.client.uploads.preflight_file_upload_check,
            name='taken.bin', size=9, parent=PreflightFileUploadCheckParent(id=w.folder.id),
        ),
        conflict(w.client.chunked_uploads.create_file_upload_session, w.folder.id, SMALLEST_CHUNKED, 'taken.bin'),
    ):
        equal((found['type'], found['id'], found['sha1']), ('file', file.id, sha1_hex(b'first')), 'conflicts')
    found = conflict(w.client.folders.create_folder, w.run_name, CreateFolderParent(id='0'))
    equal([c['id'] for c in found], [w.folder.id], 'conflicts of a folder, an array')


@check
def commit_conflict_keeps_the_session(w):
    up = w.client.chunked_uploads
    data = content('race', SMALLEST_CHUNKED)
    session = up.create_file_upload_session(w.folder.id, len(data), 'race.bin')
    parts = [put_part(up, session, at, chunk, len(data)) for at, chunk in slices(data, session.part_size)]
    winner = w.upload_small('race.bin', b'was here first')
    info = refused(
        409, 'item_name_in_use', up.create_file_upload_session_commit, session.id, parts, sha1_header(data)
    )
    equal(info.context_info['conflicts']['id'], winner.id, 'conflicts')
    w.client.files.delete_file_by_id(winner.id)
    file = up.create_file_upload_session_commit(session.id, parts, sha1_header(data)).entries[0]
    equal(file.name, 'race.bin', 'name')


@check
def sessions_refused(w):
    up = w.client.chunked_uploads
    refused(400, 'file_size_too_small', up.create_file_upload_session, w.folder.id, SMALLEST_CHUNKED - 1, 'tiny.bin')
    refused(400, 'item_name_invalid', up.create_file_upload_session, w.folder.id, SMALLEST_CHUNKED, 'a/b')
    refused(404, 'invalid_parameter', up.create_file_upload_session, '999999999999', SMALLEST_CHUNKED, 'lost.bin')
    refused(404, 'not_found', up.get_file_upload_session_by_id, 'F' * 32)
    refused(400, 'invalid_upload_session_id', up.get_file_upload_session_by_id, 'nonsense')


@check
def wrong_token(w):
    try:
        w.client_for('wrong').users.get_user_me()
        raise AssertionError('accepted')
    except BoxSDKError as err:
        true('Developer token has expired' in str(err), f'what the SDK makes of a 401: {err}')
    client = w.client_for('wrong', retry_strategy=BoxRetryStrategy(max_attempts=1))
    for call in (
        client.users.get_user_me,
        lambda: client.chunked_uploads.create_file_upload_session('0', SMALLEST_CHUNKED, 'no.bin'),
    ):
        try:
            call()
            raise AssertionError('accepted')
        except BoxAPIError as err:
            equal((err.response_info.status_code, err.response_info.raw_body), (401, ''), 'status and body')
            challenge = requests.structures.CaseInsensitiveDict(err.response_info.headers).get('WWW-Authenticate', '')
            true('invalid_token' in challenge, f'WWW-Authenticate: {challenge}')


@check
def delete_and_trash(w):
    data = b'thrown away'
    file = w.upload_small('trash.bin', data)
    w.client.files.delete_file_by_id(file.id)
    names = [e.name for e in w.client.folders.get_folder_items(w.folder.id, limit=1000).entries]
    true('trash.bin' not in names, 'the listing after delete')
    trashed = w.client.trashed_files.get_trashed_file_by_id(file.id)
    equal((trashed.id, trashed.item_status.value), (file.id, 'trashed'), 'id and item_status')
    equal(trashed.sha_1, sha1_hex(data), 'sha1')
    true(trashed.trashed_at is not None, 'trashed_at')
    refused(
        404, 'trashed', w.client.chunked_uploads.create_file_upload_session_for_existing_file,
        file.id, SMALLEST_CHUNKED,
    )
    restored = w.client.trashed_files.restore_file_from_trash(file.id)
    equal(restored.item_status.value, 'active', 'item_status after restore')
    equal(w.download(file.id), data, 'content after restore')
    w.client.files.delete_file_by_id(file.id)
    w.client.trashed_files.delete_trashed_file_by_id(file.id)
    refused(404, 'not_found', w.client.trashed_files.get_trashed_file_by_id, file.id)


@check
def delete_folder(w):
    refused(400, 'folder_not_empty', w.client.folders.delete_folder_by_id, w.folder.id)
    w.client.folders.delete_folder_by_id(w.folder.id, recursive=True)
    items = w.client.folders.get_folder_items('0', limit=1000).entries
    true(w.folder.id not in [e.id for e in items], 'the root without the folder')


if __name__ == '__main__':
    run(World())
