"""The program: options of every command, and reports of failures."""

import argparse
from importlib import metadata
import io
import logging
import os
import sys
from typing import Any
import warnings

from cliff import app
from cliff import commandmanager

from keymw import conf as configuration
from keymw.conf import files
from keymw.manage import users
from keymw.manage.session import Session

NAME = 'keymw-manage'
# The exit codes of a shell for SIGINT and SIGPIPE.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


class _Commands(commandmanager.CommandManager):
    """The commands by name; a module is imported when its command runs."""

    def load_commands(self, namespace: str) -> None:
        self.group_list.append(namespace)
        found = metadata.distribution('keymw').entry_points
        for entry_point in found.select(group=namespace):
            name = entry_point.name.replace('_', ' ')
            self.commands[name] = entry_point


class Manage(app.App):
    """Runs the commands that the entry points of keymw.manage name.

    Results go to standard output. A failure is one line on standard error and
    exit code 1. A command line that is not understood has exit code 2.
    """

    NAME = NAME
    LOG = logging.getLogger(NAME)

    def __init__(self) -> None:
        super().__init__(
            description='Set up and look after keymw. Run it as the user '
            'that runs keymw.',
            version=metadata.version('keymw'),
            command_manager=_Commands('keymw.manage'),
            deferred_help=True,
        )

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, Any] | None = None,
    ) -> argparse.ArgumentParser:
        parser = _Parser(
            prog=NAME,
            description=description,
            add_help=False,
            **argparse_kwargs or {},
        )
        _add_files(parser)
        parser.add_argument(
            '--user',
            metavar='NAME',
            help='become this user first: the one who runs the service, '
            'where root starts the program',
        )
        _add_flags(parser)
        parser.add_argument(
            '--version', action='version', version=f'{NAME} {version}'
        )
        parser.add_argument(
            '-h',
            '--help',
            action='store_true',
            dest='deferred_help',
            help='show this, or the options of a command',
        )
        return parser

    def initialize_app(self, argv: list[str]) -> None:
        super().initialize_app(argv)
        default = [configuration.default_file()]
        self.options.session = Session(
            files.expand(self.options.config_files or default),
            users.caller(NAME),
            self._console,
        )
        if self.options.user is not None:
            users.become(self.options.user)

    def configure_logging(self) -> None:
        self._console = console = logging.StreamHandler(self.stderr)
        console.setFormatter(_OneLine(f'{NAME}: %(message)s'))
        self.LOG.handlers = [console]
        self.LOG.propagate = False
        # Other log lines are not failures of the command.
        verbose = self.options.verbose
        others = console if verbose else logging.NullHandler()
        logging.basicConfig(handlers=[others], level=logging.INFO)

    def interact(self) -> None:
        self.parser.error(f'name a command: {NAME} -h lists them')

    def run_subcommand(self, argv: list[str]) -> int:
        try:
            self.command_manager.find_command(argv)
        except ValueError:
            self.parser.error(
                f'there is no command "{" ".join(argv)}": {NAME} -h lists them'
            )
        except ImportError as error:
            self.LOG.error('%s', error)
            return 1
        return super().run_subcommand(argv)


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--config-file',
        action='append',
        dest='config_files',
        metavar='FILE',
        help='the configuration of keymw; of several that name an option '
        'the last counts (default: what KEYMW_CONFIG_FILE names in the '
        'environment, else /etc/keymw/keymw.conf)',
    )
    parser.add_argument(
        '--config-dir',
        action='append',
        dest='config_files',
        metavar='DIR',
        help='read the .conf files of a directory, in place of a '
        '--config-file',
    )


def _add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '-v',
        '--verbose',
        action='store_true',
        help='log what is done to standard error',
    )
    parser.add_argument(
        '--debug',
        action='store_true',
        help='show the traceback of a failure',
    )


class _Parser(argparse.ArgumentParser):
    """Leaves the option --user of "api-key" commands to the command.

    Elsewhere options of the program may also stand behind the command.
    """

    def parse_known_args(
        self, args: Any = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        words = list(args or [])
        start = words.index(_KEYS) if _KEYS in words else len(words)
        behind = [_renamed(word, _USER, _OWNER) for word in words[start:]]
        found, rest = super().parse_known_args(
            [*words[:start], *behind], namespace
        )
        return found, [_renamed(word, _OWNER, _USER) for word in rest]


_KEYS, _USER, _OWNER = 'api-key', '--user', '--owner-of-keys'


def _renamed(word: str, old: str, new: str) -> str:
    name, equals, value = word.partition('=')
    return f'{new}{equals}{value}' if name == old else word


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = ' '.join(record.message.split())
        return super().formatMessage(record)


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot show must not stop the command.
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                # Warnings are for programmers and would mix with the output.
                warnings.simplefilter('ignore')
            code = Manage().run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    return _flush() or code


def _flush() -> int:
    try:
        sys.stdout.flush()
    except OSError as error:
        # Otherwise Python flushes again at exit, and reports the failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        print(f'{NAME}: standard output: {error.strerror}', file=sys.stderr)
        return 1
    return 0
