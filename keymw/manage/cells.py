"""What stands in the tables that commands show."""

from cliff import columns


class Text(columns.FormattableColumn[str]):
    """Text from outside, without what would act on a terminal."""

    def human_readable(self) -> str:
        return ''.join(
            letter
            if letter.isprintable()
            else letter.encode('unicode_escape').decode()
            for letter in self._value
        )
