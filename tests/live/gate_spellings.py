"""Spellings of a guarded path, by name, as they stand in a request line."""

from collections.abc import Callable

Spell = Callable[[str], str]


def _first(path: str) -> str:
    """The first segment of a path, with its slash."""
    return path[: path.find('/', 1)] if '/' in path[1:] else path


def _rest(path: str) -> str:
    return path.removeprefix(_first(path))


def _last_slash(path: str, other: str) -> str:
    before, _, after = path.rpartition('/')
    return before + other + after


def _inside(path: str, text: str) -> str:
    """A path with a text before its last letter."""
    return path[:-1] + text + path[-1]


def _each(path: str) -> str:
    return '/' + ''.join(f'%{ord(letter):02x}' for letter in path[1:])


def _before(start: str) -> Spell:
    return lambda path: start + path


def _after(end: str) -> Spell:
    return lambda path: path + end


def _within(text: str) -> Spell:
    return lambda path: _first(path) + text + _rest(path)


ABSOLUTE: dict[str, Spell] = {
    f'absolute form, {start}': _before(start)
    for start in (
        *('http://other', 'HTTP://other', 'https://other', 'ftp://other'),
        *('http://u:p@other:80', 'http://other/', 'http://other/x/..'),
        *('http:%2f%2fother', 'http://other%2f', 'http:', 'http:///'),
    )
}
SLASHES: dict[str, Spell] = {
    'slash doubled before': _before('/'),
    'slashes tripled before': _before('//'),
    'all slashes doubled': lambda path: path.replace('/', '//'),
    'last slash doubled': lambda path: _last_slash(path, '//'),
    'slash after': _after('/'),
    'two slashes after': _after('//'),
    'encoded slash before': lambda path: f'/%2f{path[1:]}',
    'encoded slash alone before': lambda path: f'%2f{path[1:]}',
    'all slashes encoded': lambda path: '/' + path[1:].replace('/', '%2F'),
    'last slash encoded': lambda path: _last_slash(path, '%2f'),
    'last slash encoded twice': lambda path: _last_slash(path, '%252f'),
    'encoded slash after': _after('%2f'),
    'no slash before': lambda path: path[1:],
    'backslashes': lambda path: path.replace('/', '\\'),
    'last slash a backslash': lambda path: _last_slash(path, '\\'),
    'backslash before': lambda path: f'\\{path[1:]}',
    'encoded backslash': lambda path: _last_slash(path, '%5c'),
    'encoded backslash before': lambda path: f'/%5C{path[1:]}',
}
DOTS: dict[str, Spell] = {
    **{
        f'before: {start}': _before(start)
        for start in (
            *('/.', '/..', '/../..', '/./.', '/...', '/x/..', '/v3/..'),
            *('/%2e', '/x/%2e%2e', '/x/.%2e', '/x/%252e%252e'),
            *('/x/..;', '/x/..;a=b', '/x/..%3b', '/x%2f..', '/x\\..'),
        )
    },
    **{f'after: {end}': _after(end) for end in ('/.', '/x/..', '/%2e', '/./')},
    'dots within': _within('/.'),
    'parent within': _within('/x/..'),
}
MARKS: dict[str, Spell] = {
    **{
        f'after: {end}': _after(end)
        for end in (
            *(';', ';x', ';a=b', '%3b', '%3Bx', '~', '#x', '%23x', '%3fx'),
            *('?', '?x=1', '&x', '%', '%2', '%zz', '.json', '.xml', '%2exml'),
            *('*', ',', ':80', '/*'),
        )
    },
    'semicolon within': _within(';x'),
    'semicolon before': _before('/;'),
    'parameter before': _before('/;x'),
}
CONTROL: dict[str, Spell] = {
    **{
        f'after: {end}': _after(end)
        for end in (
            *('%00', '%00.jpg', '%0a', '%0d', '%0d%0a', '%09', '%0b', '%1f'),
            *('%7f', '%20', '%20%20', '%85', '%a0', '%e2%80%8b'),
        )
    },
    'raw tab after': _after('\t'),
    'raw NUL after': _after('\0'),
    'raw DEL after': _after('\x7f'),
    'raw line feed after': _after('\n'),
    'NUL inside': lambda path: _inside(path, '%00'),
    'line end inside': lambda path: _inside(path, '%0d%0a'),
    'tab inside': lambda path: _inside(path, '%09'),
    'NUL before': lambda path: f'/%00{path[1:]}',
    'space before': lambda path: f'/%20{path[1:]}',
    'space within': _within('%20'),
}
CODES: dict[str, Spell] = {
    'upper case': str.upper,
    'case swapped': str.swapcase,
    'first letter upper': lambda path: f'/{path[1:].capitalize()}',
    'first letter encoded': lambda path: f'/%{ord(path[1]):x}{path[2:]}',
    'first letter encoded twice': (
        lambda path: f'/%25{ord(path[1]):x}{path[2:]}'
    ),
    'first letter encoded three times': (
        lambda path: f'/%2525{ord(path[1]):x}{path[2:]}'
    ),
    'each letter encoded': _each,
    'dot encoded': lambda path: path.replace('.', '%2e'),
    'dot encoded, upper': lambda path: path.replace('.', '%2E'),
    'dot encoded twice': lambda path: path.replace('.', '%252e'),
    'dot as overlong UTF-8': lambda path: path.replace('.', '%c0%ae'),
    'dot as longer UTF-8': lambda path: path.replace('.', '%e0%80%ae'),
    'dot of full width': lambda path: path.replace('.', '%ef%bc%8e'),
    'dot as %u': lambda path: path.replace('.', '%u002e'),
    'slash as overlong UTF-8': lambda path: _last_slash(path, '%c0%af'),
    'slash of full width': lambda path: _last_slash(path, '%ef%bc%8f'),
    'UTF-8 cut off': _after('%c3'),
    'no UTF-8': _after('%ff'),
    'raw byte after': _after('\xff'),
    'raw byte inside': lambda path: _inside(path, '\xff'),
}
GROUPS = {
    'Absolute form': ABSOLUTE,
    'Slashes': SLASHES,
    'Dots': DOTS,
    'Marks and trailing text': MARKS,
    'Control bytes and spaces': CONTROL,
    'Case and encodings': CODES,
}
# Headers from which a server or a proxy's convention takes SCRIPT_NAME.
MOUNT_HEADERS = ('SCRIPT_NAME', 'X-Script-Name', 'X-Forwarded-Prefix')
MOUNTS = ('/v2.0', '/v3', '/v1.0', '/v1.1', '/v2.', '/api', '/', '/identity')
