"""Events: now, the user's stream, the administrator's, the long poll."""

import datetime
import threading
import time

import requests
from box_sdk_gen import CopyFileParent, GetEventsEventType, GetEventsStreamType, UpdateFileByIdParent

from area import Area, mkdir, new_user, put, put_version, status_of, until
from suite import check, equal, run, true


def now(w, client=None, **options):
    at = (client or w.client).events.get_events(stream_position='now', **options)
    equal((at.chunk_size, at.entries), (0, []), 'a chunk of now')
    position = at.raw_data['next_stream_position']
    true(isinstance(position, int) and position > 0, f'next_stream_position {position!r}')
    return str(position)


def since(position, client, **options):
    """Reads a stream to its end."""
    found = []
    while True:
        page = client.events.get_events(stream_position=position, **options)
        equal(page.chunk_size, len(page.entries), 'chunk_size')
        if not page.entries:
            return found
        found += page.entries
        position = str(page.next_stream_position)


def kinds(entries):
    return [e.event_type.value for e in entries]


def sources(entries):
    return [e.source.id for e in entries]


def day(offset):
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=offset)


@check
def one_event_for_each_thing_done(w):
    begun = now(w)
    file = put(w.client, w.folder.id, 'evented.txt')
    folder = mkdir(w.client, w.folder.id, 'evented')
    w.client.files.update_file_by_id(file.id, name='renamed.txt')
    w.client.files.update_file_by_id(file.id, parent=UpdateFileByIdParent(id=folder.id))
    copy = w.client.files.copy_file(file.id, CopyFileParent(id=w.folder.id))
    w.client.files.delete_file_by_id(file.id)
    w.client.trashed_files.restore_file_from_trash(file.id)
    put_version(w.client, file, b'again', name='renamed.txt')
    got = since(begun, w.client)
    equal(kinds(got), [
        'ITEM_UPLOAD', 'ITEM_CREATE', 'ITEM_RENAME', 'ITEM_MOVE', 'ITEM_COPY', 'ITEM_TRASH', 'ITEM_UNDELETE_VIA_TRASH',
        'ITEM_UPLOAD',
    ], 'event types')
    equal(len({e.event_id for e in got}), len(got), 'event ids')
    equal(sources(got), [file.id, folder.id, file.id, file.id, copy.id, file.id, file.id, file.id], 'sources')
    me = w.client.users.get_user_me()
    for event, raw in zip(got, w.client.events.get_events(stream_position=begun).raw_data['entries']):
        equal((event.type, event.created_by.id), ('event', me.id), 'type and created_by')
        true(abs(event.created_at.timestamp() - time.time()) < 60, 'created_at')
        for at in ('created_at', 'modified_at', 'content_created_at', 'content_modified_at'):
            true(raw['source'][at], f'{at} of the source')
        true(raw['source']['parent']['id'], 'the parent of the source')


@check
def limits_and_positions(w):
    begun = now(w)
    made = [mkdir(w.client, w.folder.id, f'paged {i}').id for i in range(7)]
    first = w.client.events.get_events(stream_position=begun, limit=3)
    equal((first.chunk_size, sources(first.entries)), (3, made[:3]), 'the first chunk')
    equal(sources(since(begun, w.client, limit=2)), made, 'all chunks')


@check
def stream_types(w):
    begun = now(w)
    folder = mkdir(w.client, w.folder.id, 'typed')
    for kind in (GetEventsStreamType.ALL, GetEventsStreamType.CHANGES, GetEventsStreamType.SYNC):
        equal(sources(since(begun, w.client, stream_type=kind)), [folder.id], kind.value)
    equal(w.client.events.get_events(stream_position='0', limit=5).chunk_size, 5, 'from 0')
    true(w.client.events.get_events().entries, 'without a position')


@check
def another_users_stream(w):
    user, them = new_user(w, 'Event Stranger')
    begun = now(w, them)
    mkdir(w.client, w.folder.id, 'not theirs')
    equal(since(begun, them), [], 'what others do')
    theirs = mkdir(them, '0', 'theirs')
    got = since(begun, them)
    equal((kinds(got), sources(got), got[0].created_by.id), (['ITEM_CREATE'], [theirs.id], user.id), 'what they do')


@check
def admin_logs(w):
    file = put(w.client, w.folder.id, 'logged.txt')
    user, _ = new_user(w, 'Event Leaver')
    w.client.users.delete_user_by_id(user.id)

    def logs(*types):
        return since(
            '0', w.client, stream_type=GetEventsStreamType.ADMIN_LOGS, event_type=list(types),
            created_after=day(-1), created_before=day(1),
        )

    uploads = logs(GetEventsEventType.UPLOAD)
    equal(set(kinds(uploads)), {'UPLOAD'}, 'event types')
    mine = next(e.source for e in uploads if e.source.item_id == file.id)
    me = w.client.users.get_user_me()
    equal(
        (mine.item_type.value, mine.item_name, mine.parent.id, mine.owned_by.id),
        ('file', 'logged.txt', w.folder.id, me.id), 'the source of an upload',
    )
    deleted = logs(GetEventsEventType.DELETE_USER)[-1]
    equal((deleted.event_type.value, deleted.source.id), ('DELETE_USER', user.id), 'DELETE_USER')
    equal(set(kinds(logs(GetEventsEventType.UPLOAD, GetEventsEventType.NEW_USER))), {'UPLOAD', 'NEW_USER'}, 'two types')
    old = w.client.events.get_events(
        stream_type=GetEventsStreamType.ADMIN_LOGS, created_after=day(-9), created_before=day(-8)
    )
    equal(old.entries, [], 'of last week')


@check
def admin_logs_streaming(w):
    kind = GetEventsStreamType.ADMIN_LOGS_STREAMING
    begun = now(w, stream_type=kind)
    file = put(w.client, w.folder.id, 'streamed.txt')
    got = since(begun, w.client, stream_type=kind)
    equal([(e.event_type.value, e.source.item_id) for e in got], [('UPLOAD', file.id)], 'events')
    _, them = new_user(w, 'Event Plain')
    equal(status_of(them.events.get_events, stream_type=GetEventsStreamType.ADMIN_LOGS), 403, 'for others')


@check
def long_poll(w):
    servers = w.client.events.get_events_with_long_polling()
    server = servers.entries[0]
    equal(
        (servers.chunk_size, server.type, server.ttl, server.max_retries, server.retry_timeout),
        (1, 'realtime_server', '10', '10', 610), 'the server',
    )
    begun = now(w)
    answers = []

    def poll():
        joint = '&' if '?' in server.url else '?'
        reply = requests.get(f'{server.url}{joint}stream_position={begun}', timeout=60)
        answers.append((reply.json(), time.monotonic()))

    waiting = threading.Thread(target=poll)
    waiting.start()
    time.sleep(0.3)
    equal(answers, [], 'an answer before anything happened')
    mkdir(w.client, w.folder.id, 'wakes the poll')
    made = time.monotonic()
    waiting.join(10)
    equal(answers[0][0], {'message': 'new_change'}, 'the answer')
    true(answers[0][1] - made < 1, f'woke after {answers[0][1] - made:.2f} s')
    poll()
    equal(answers[1][0], {'message': 'new_change'}, 'with news behind the position')


@check
def the_sdks_event_stream(w):
    # A client of its own: its long poll must not hold the other's connection.
    stream = w.client_for(w.token).events.get_event_stream()
    got = []

    def follow():
        for event in stream:
            got.append(event)

    threading.Thread(target=follow, daemon=True).start()
    time.sleep(0.7)  # it asks for now, and polls
    wanted = []
    for name in ('first', 'second'):
        wanted.append(mkdir(w.client, w.folder.id, f'streamed {name}').id)
        until(f'the event of the {name}', lambda: wanted[-1] in sources(got), limit=4)
    stream.stop()
    equal([(e.event_type.value, e.source.id) for e in got], [('ITEM_CREATE', i) for i in wanted], 'events')


if __name__ == '__main__':
    run(Area())
