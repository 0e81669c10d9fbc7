"""Cells of the tables that commands print."""

from cliff import columns


class Text(columns.FormattableColumn[str]):
    """Text from outside; characters that control a terminal are escaped."""

    def human_readable(self) -> str:
        return ''.join(
            letter
            if letter.isprintable()
            else letter.encode('unicode_escape').decode()
            for letter in self._value
        )


class Names(columns.FormattableColumn[list[str]]):
    """A list of names: a list for programs, one line for people."""

    def human_readable(self) -> str:
        return ', '.join(
            str(Text(name).human_readable()) for name in self._value
        )
