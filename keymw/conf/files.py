"""The files of a configuration: finding them and reading their values."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import difflib
import os
import pathlib

from oslo_config import cfg

# By group in lower case: the last value of each option.
Values = dict[str, dict[str, str]]
Opts = Iterable[tuple[str | None, Iterable[cfg.Opt]]]
DEFAULT = 'DEFAULT'


def expand(names: str | Sequence[str]) -> list[str]:
    """Return the files of a configuration in order; the last value wins.

    A name may contain several, separated by ";". A directory means its files
    *.conf. keymw.conf is followed by the files in a directory keymw.conf.d
    beside it.
    """
    given = [names] if isinstance(names, str) else names
    single = [one for name in given for one in name.split(';') if one.strip()]
    return [file for one in single for file in _files(one.strip())]


def _files(name: str) -> list[str]:
    if os.path.isdir(name):
        return _in_directory(name) or [name]
    return [name, *_in_directory(f'{name}.d')]


def _in_directory(name: str) -> list[str]:
    return sorted(map(str, pathlib.Path(name).glob('*.conf')))


def values(files: Iterable[str]) -> Values:
    """Return the values in files that oslo.config could parse."""
    sections: dict[str, dict[str, list[str]]] = {}
    for file in files:
        cfg.ConfigParser(file, sections).parse()
    found: Values = {}
    for group, options in sections.items():
        name = DEFAULT if group.upper() == DEFAULT else group.lower()
        texts = {key: value[-1] for key, value in options.items()}
        found.setdefault(name, {}).update(texts)
    return found


def unknown(conf: cfg.ConfigOpts, known: Opts) -> list[str]:
    """Return one line for each unknown group or option in the files.

    An option is known if it is registered in conf, or is an option in known
    or another or a former name of one.
    """
    others = {old for old, _ in _renamed(known)}
    others |= {(g or DEFAULT, opt.name) for g, opts in known for opt in opts}
    return [
        line
        for group, options in values(conf.config_file).items()
        for line in _unknown(conf, group, options, others)
    ]


def deprecated(conf: cfg.ConfigOpts, known: Opts) -> list[str]:
    """Return one line for each option in the files with a former name."""
    found = values(conf.config_file)
    return [
        f'[{group}] {name} is now {new}'
        for (group, name), new in _renamed(known)
        if name in found.get(group, {})
    ]


def _unknown(
    conf: cfg.ConfigOpts,
    group: str,
    options: Iterable[str],
    others: set[tuple[str, str]],
) -> Iterator[str]:
    if group not in {DEFAULT, *conf, *(of for of, _ in others)}:
        yield f'[{group}]: there is no such group{like(group, conf)}'
        return
    names = {name for of, name in others if of == group}
    names.update(conf if group == DEFAULT else _registered(conf, group))
    for option in sorted(set(options) - names):
        # Only the first word: if "=" was forgotten, a value follows it.
        name = (option.split() or [''])[0]
        meant = like(name, names)
        yield f'[{group}] {name}: there is no such option{meant}'


def _registered(conf: cfg.ConfigOpts, group: str) -> Iterable[str]:
    return list(conf[group]) if group in conf else []


def like(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that suggests a similar name, or ''."""
    found = difflib.get_close_matches(name, names, 1)
    return f'; is {found[0]} meant?' if found else ''


def _renamed(known: Opts) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the former names of options, each with the present one."""
    for group, opts in known:
        for opt in opts:
            for old in opt.deprecated_opts:
                place = old.group or group or DEFAULT
                former = (place, old.name or opt.dest)
                yield former, f'[{group or DEFAULT}] {opt.name}'
