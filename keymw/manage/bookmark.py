"""The progress of an import, in a file beside the imported one."""

import os
import pathlib
from typing import IO

import msgspec

from keymw.manage import own_files


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last line that was read, and the results up to it.

    file and target identify the file, and the store with all options. user_id
    is the user of the last key that was stored.
    """

    file: str = ''
    target: str = ''
    number: int = 0
    wrong: int = 0
    user_id: str = ''


class Bookmark:
    """The mark of one import. target identifies its store and options."""

    def __init__(
        self, file: pathlib.Path, stream: IO[bytes], target: str
    ) -> None:
        self.path = file.with_name(f'{file.name}.imported')
        found = os.fstat(stream.fileno())
        self._file = f'{found.st_ino}-{found.st_size}-{found.st_mtime_ns}'
        self._target = target

    def read(self) -> Mark | None:
        """Return the mark of an interrupted import, or None.

        An unreadable file yields an empty Mark.

        :raises ConfigError: the file of the mark belongs to another user.
        """
        content = own_files.read(self.path)
        if content is None:
            return None
        try:
            return msgspec.json.decode(content, type=Mark)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Mark()

    def why_not(self, mark: Mark) -> str | None:
        """Return why a mark is not of this import, or None if it is."""
        if mark.file != self._file:
            return 'it is of another file of this name'
        if mark.target != self._target:
            return 'it is of an import into another store, or by other options'
        return None

    def write(self, number: int, wrong: int, user_id: str) -> None:
        """Write the mark.

        :raises ConfigError: it cannot be written.
        """
        mark = Mark(self._file, self._target, number, wrong, user_id)
        own_files.write(self.path, msgspec.json.encode(mark))

    def remove(self) -> None:
        """Remove the mark: the import is complete."""
        self.path.unlink(missing_ok=True)
