"""A cache of domain ids by name, bounded because strangers send the names."""

from collections.abc import Callable
import dataclasses
import threading
from typing import Any
from typing import Self

from cachetools import TTLCache

from keymw.identity import base

# Seconds that an old name, or the absence of a name, stays cached.
_TTL = 60
# Unknown names cause at most so many lists in a window of so many seconds.
_MOST_LISTS = 5
_WINDOW = 25
# Keystone's own limit, in characters.
_LONGEST = 64


@dataclasses.dataclass(frozen=True)
class Listed:
    """Domain ids by name; is_whole is False for a truncated list."""

    ids: dict[str, str]
    is_whole: bool

    @classmethod
    def of(cls, body: dict[str, Any]) -> Self:
        """Read Keystone's response to GET /v3/domains."""
        ids = {item['name']: base.text(item['id']) for item in body['domains']}
        return cls(ids, is_whole=not body.get('truncated'))

    def decides(self, name: str) -> bool:
        """Whether the list alone decides which domain has the name.

        Some databases ignore case when they compare names.
        """
        folded = name.casefold()
        return name in self.ids or (
            self.is_whole and folded not in map(str.casefold, self.ids)
        )


class Domains:
    """All domains by name, in a list that is read rarely.

    Strangers send the names, so a name must not cost a request each. Keystone
    gets a look-up by name only if the list does not decide.
    """

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._listed: TTLCache[None, Listed] = TTLCache(1, _TTL, clock)
        self._looked_up: TTLCache[str, str | None] = TTLCache(
            size, _TTL, clock
        )
        self._lists: TTLCache[object, None] = TTLCache(
            _MOST_LISTS, _WINDOW, clock
        )
        self._lock = threading.Lock()

    def id_of(
        self,
        name: str,
        list_all: Callable[[], Listed],
        look_up: Callable[[str], str | None],
    ) -> str | None:
        """The id of the domain with a name, or None.

        Exceptions of list_all and ask go through; nothing is cached then.
        """
        if not 0 < len(name) <= _LONGEST:
            return None
        with self._lock:
            listed = self._listed.get(None)
            if name in self._looked_up:
                return self._looked_up[name]
        if listed is not None and name in listed.ids:
            return listed.ids[name]
        if listed is not None and not self._may_list():
            return None
        found = _look_up(name, self._list(list_all), look_up)
        with self._lock:
            self._looked_up[name] = found
        return found

    def _list(self, list_all: Callable[[], Listed]) -> Listed:
        found = list_all()
        with self._lock:
            self._listed[None] = found
        return found

    def _may_list(self) -> bool:
        with self._lock:
            if self._lists.currsize >= _MOST_LISTS:
                return False
            self._lists[object()] = None
            return True


def _look_up(
    name: str, listed: Listed, look_up: Callable[[str], str | None]
) -> str | None:
    return listed.ids.get(name) if listed.decides(name) else look_up(name)
