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
    address = fields.get('address')
    host = f',"host":{{"address":{_text(address)}}}' if address else ''
    return (
        f'{_start(rule)}{_text(target)}{_INITIATOR}{_text(caller)}{host}}},'
        f'"id":"{_id()}","eventTime":"{_now()}",'
        f'"tags":["request_id?value={_json(request_id)[1:]}],'
        f'{_outcome(status)}{_attachments(fields)}}}'
    )


_INITIATOR = f'}},"initiator":{{"typeURI":"{_USER}","id":'


@functools.lru_cache(256)
def _start(rule: str) -> str:
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
    found = [
        f'{{"typeURI":"{_TEXT}","name":{encode_basestring_ascii(name)},"content":{_text(value)}}}'
        for name, value in fields.items()
        if name != 'address'
    ]
    return f',"attachments":[{",".join(found)}]' if found else ''


def _id() -> str:
    """A random UUID; it is no secret, and random starts anew after a fork."""
    text = f'{random.getrandbits(128):032x}'
    return f'{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}'


def _now() -> str:
    now = time.time()
    return f'{_second(int(now))}.{int(now % 1 * 1_000_000):06d}+00:00'


@functools.lru_cache(2)
def _second(now: int) -> str:
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))


def _json(text: str | None) -> str:
    """A text of the client in JSON; a lone surrogate has none of its own."""
    if not text or text == '-':
        return f'"{_UNKNOWN}"'
    plain = text.encode(errors='backslashreplace').decode()
    return encode_basestring_ascii(plain)


# Callers, targets and addresses come again and again.
_text = functools.lru_cache(1024)(_json)
