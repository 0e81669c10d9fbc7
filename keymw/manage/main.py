"""The program: options of every command, and how failure is told."""

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

NAME = 'keymw-manage'
# As a shell reports the two signals.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


class Manage(app.App):
    """Runs the commands that the entry points of keymw.manage name.

    What is asked for goes to standard output. A failure is one line on
    standard error and exit code 1, a command not understood 2.
    """

    NAME = NAME
    LOG = logging.getLogger(NAME)

    def __init__(self) -> None:
        super().__init__(
            description='Set up and look after keymw. Run it as the user '
            'that runs keymw.',
            version=metadata.version('keymw'),
            command_manager=commandmanager.CommandManager('keymw.manage'),
            deferred_help=True,
        )

    def build_option_parser(
        self,
        description: str | None,
        version: str | None,
        argparse_kwargs: dict[str, Any] | None = None,
    ) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(
            prog=NAME,
            description=description,
            add_help=False,
            **argparse_kwargs or {},
        )
        parser.add_argument(
            '--config-file',
            default='/etc/keymw/keymw.conf',
            metavar='FILE',
            help='the configuration of keymw (default: %(default)s)',
        )
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

    def configure_logging(self) -> None:
        console = logging.StreamHandler(self.stderr)
        console.setFormatter(_OneLine(f'{NAME}: %(message)s'))
        self.LOG.handlers = [console]
        self.LOG.propagate = False
        # What else is logged is no failure of the command.
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
        return super().run_subcommand(argv)


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = ' '.join(record.message.split())
        return super().formatMessage(record)


def main(argv: list[str] | None = None) -> int:
    """Run the command that the arguments name; its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal cannot show is no reason to stop.
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                # They are for programmers, and would stand among our lines.
                warnings.simplefilter('ignore')
            code = Manage().run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    return _flush() or code


def _flush() -> int:
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        print(f'{NAME}: standard output: {error.strerror}', file=sys.stderr)
        return 1
    return 0
