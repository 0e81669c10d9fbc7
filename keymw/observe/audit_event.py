"""CADF events (DMTF DSP0262): the shape that OpenStack's services audit in.

What a rule fixes is text, made once for each rule; an event adds the values
that change. pycadf's classes and one json.dumps an event cost more than a
request may; tests read events with pycadf.
"""

from collections.abc import Mapping
import functools
import json
from json.encoder import encode_basestring_ascii
import random
import socket
import time
import uuid

# Actions of the CADF taxonomy, by the verb of a rule.
_ACTIONS = {
    'add': 'create',
    'bind': 'update',
    'create': 'create',
    'delete': 'delete',
    'disable': 'disable',
    'drop': 'delete',
    'export': 'read',
    'export-clear': 'read',
    'get': 'read',
    'import': 'create',
    'list': 'read/list',
    'list_all': 'read/list',
    'login': 'authenticate',
    'migrate': 'update',
    'repair': 'update',
    'reset': 'update',
    'revoke': 'revoke',
    'roles': 'read/list',
    'rotate': 'update',
    'set': 'update',
    'setup': 'configure',
    'show': 'read',
    'sync': 'configure',
    'update': 'update',
}
_USER = 'service/security/account/user'
# The type of a target, by the noun of a rule.
_TARGETS = {
    'access_list': 'data/security/policy',
    'api_key': 'data/security/credential',
    'credential': 'data/security/credential',
    'db': 'data/database',
    'global_key': 'data/security/credential',
    'login': _USER,
    'vault': 'data/security/keymanager',
}
_UNKNOWN = 'unknown'
_TEXT = 'text/plain'


def event(
    rule: str,
    caller: str | None,
    target: str,
    request_id: str,
    status: int | None,
    fields: Mapping[str, str],
) -> str:
    """The event of one operation, as one line of JSON in ASCII.

    status is that of a refusal, 0 for a failure without one, and None for
    success. fields are further ones by name; "address" is the client's.
    """
    return (
        f'{_start(rule, target, caller, fields.get("address"))}'
        f'"id":"{_id()}","eventTime":"{_now()}",'
        f'"tags":["request_id?value={_text(request_id)[1:]}],'
        f'{_outcome(status)}{_attachments(fields)}}}'
    )


# Callers, targets and addresses come again and again.
@functools.lru_cache(1024)
def _start(
    rule: str, target: str, caller: str | None, address: str | None
) -> str:
    """Who did what to whom."""
    host = f',"host":{{"address":{_text(address)}}}' if address else ''
    return (
        f'{_fixed(rule)}{_text(target)}}},"initiator":{{"typeURI":"{_USER}",'
        f'"id":{_text(caller)}{host}}},'
    )


@functools.lru_cache(256)
def _fixed(rule: str) -> str:
    """What a rule fixes, up to the id of the target."""
    noun, _, verb = rule.rpartition(':')
    host = socket.gethostname()
    fixed = {
        'typeURI': 'http://schemas.dmtf.org/cloud/audit/1.0/event',
        'eventType': 'activity',
        'action': _ACTIONS.get(verb, _UNKNOWN),
        'name': rule,
        'observer': {
            'typeURI': 'service/security',
            'id': str(uuid.uuid5(uuid.NAMESPACE_DNS, host)),
            'name': f'keymw.{host}',
        },
        'target': {'typeURI': _TARGETS.get(noun or verb, _UNKNOWN), 'id': ''},
    }
    return json.dumps(fixed, separators=(',', ':')).removesuffix('""}}')


@functools.lru_cache(64)
def _outcome(status: int | None) -> str:
    if status is None:
        return '"outcome":"success"'
    if not status:
        return '"outcome":"failure"'
    reason = f'{{"reasonType":"HTTP","reasonCode":"{status}"}}'
    return f'"outcome":"failure","reason":{reason}'


def _attachments(fields: Mapping[str, str]) -> str:
    if fields.keys() <= _ADDRESS:
        return ''
    found = [
        f'{{"typeURI":"{_TEXT}","name":{encode_basestring_ascii(name)},"content":{_text(value)}}}'
        for name, value in fields.items()
        if name not in _ADDRESS
    ]
    return f',"attachments":[{",".join(found)}]'


_ADDRESS = frozenset(('address',))


def _id() -> str:
    """A random UUID; it is no secret, and random starts anew after a fork."""
    text = random.getrandbits(128).to_bytes(16).hex()
    return f'{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}'


def _now() -> str:
    second, rest = divmod(time.time_ns(), 1_000_000_000)
    return f'{_second(second)}.{rest // 1000:06d}+00:00'


@functools.lru_cache(2)
def _second(now: int) -> str:
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))


def _text(text: str | None) -> str:
    """A text of the client in JSON; a lone surrogate has none of its own."""
    if not text or text == '-':
        return f'"{_UNKNOWN}"'
    if not text.isascii():
        text = text.encode(errors='backslashreplace').decode()
    return encode_basestring_ascii(text)
