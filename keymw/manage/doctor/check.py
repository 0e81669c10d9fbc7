"""A check of doctor, and the installation it examines."""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import functools
import pathlib
import stat
import time
from typing import TYPE_CHECKING

from oslo_config import cfg

from keymw import conf as configuration
from keymw.identity import load as identity_load
from keymw.identity import v2
from keymw.identity import v3
from keymw.manage import pipeline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Skipped(Exception):  # noqa: N818, it is no error
    """A check cannot run; the message says what it needs."""


@dataclasses.dataclass
class Installation:
    """The installation. Each part is loaded when a check needs it."""

    config_files: list[str]
    pipeline: tuple[str, str] | None

    @functools.cached_property
    def conf(self) -> cfg.ConfigOpts:
        """Return the configuration.

        :raises ConfigError: it is not valid.
        """
        return configuration.load(self.config_files)

    @functools.cached_property
    def app(self) -> WSGIApplication:
        """Return the identity application behind keymw.

        :raises ConfigError: it cannot be loaded.
        :raises Skipped: no option names it.
        """
        if self.pipeline is None:
            raise Skipped(pipeline.NEEDED)
        return pipeline.load(*self.pipeline)

    @functools.cached_property
    def dialect(self) -> v3.V3 | v2.V2:
        """Return the identity service, in the dialect it speaks.

        :raises ConfigError: it cannot be loaded, or does not respond.
        :raises Skipped: no option names it.
        """
        app = None if identity_load.is_remote(self.conf) else self.app
        find = identity_load.dialect(app, self.conf, time.time)
        with pipeline.asking(self.conf):
            return find(pipeline.origin())


@dataclasses.dataclass(frozen=True)
class Check:
    """One check. look returns what is in order, or raises the failure.

    needs names the checks that must pass before this one makes sense. gate
    raises Skipped if the subject of the check is disabled; then no other
    check matters.
    """

    name: str
    look: Callable[[Installation], str]
    needs: tuple[str, ...] = ('configuration',)
    gate: Callable[[Installation], object] | None = None


def mode(file: pathlib.Path) -> int:
    """Return the permission bits of a file."""
    return stat.S_IMODE(file.stat().st_mode)
