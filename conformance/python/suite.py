"""Runs named checks one after the other and reports each on its own line."""

import base64
import hashlib
import os
import random
import sys
import traceback

_checks = []


def check(function):
    """Adds function to the suite. Its name is the check's name."""
    _checks.append(function)
    return function


def run(world):
    """Calls every check with world, prints the outcome and ends the process."""
    failed = 0
    for function in _checks:
        try:
            function(world)
        except Exception as err:
            failed += 1
            last = traceback.extract_tb(err.__traceback__)[-1]
            place = f'{os.path.basename(last.filename)}:{last.lineno}'
            why = ' '.join(f'{type(err).__name__}: {err}'.split())
            why = ''.join(c if c.isprintable() else '?' for c in why)  # an SDK may print a request's bytes
            print(f'FAIL {function.__name__}: {why[:900]} ({place})')
            if os.environ.get('BOXCAR_TRACE'):
                traceback.print_exc()
        else:
            print(f'ok {function.__name__}')
        sys.stdout.flush()
    print(f'{len(_checks) - failed} passed, {failed} failed')
    sys.exit(1 if failed else 0)


def equal(got, want, what):
    """Fails unless got == want. Byte strings are described, not printed."""
    if got == want:
        return
    if isinstance(want, bytes):
        got, want = describe(got), describe(want)
    raise AssertionError(f'{what}: got {got!r}, want {want!r}')


def true(value, what):
    """Fails unless value is true."""
    if not value:
        raise AssertionError(f'{what}: got {value!r}')


def describe(data):
    """Length in bytes and SHA-1, for messages."""
    return f'{len(data)} bytes, sha1 {sha1_hex(data)}'


def content(seed, size):
    """size bytes that depend on seed alone and do not repeat."""
    source = random.Random(seed)
    step = 8 << 20
    return b''.join(source.randbytes(min(step, size - at)) for at in range(0, size, step))


def sha1_hex(data):
    return hashlib.sha1(data).hexdigest()


def sha512_hex(data):
    return hashlib.sha512(data).hexdigest()


def sha1_header(data):
    """The Digest header's value for data."""
    return 'sha=' + base64.b64encode(hashlib.sha1(data).digest()).decode()


def env(name, default=None):
    """The environment variable, which must be set if there is no default."""
    value = os.environ.get(name, default)
    if value is None:
        sys.exit(f'{name} is not set')
    return value
