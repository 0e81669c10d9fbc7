"""The requests of a client with a global key, and their responses."""

from collections.abc import Callable
import json
import sys
from typing import Any

Answer = tuple[int, str]
# By method, URL and, where there is one, a body in JSON.
Ask = Callable[[str, str, str | None], Answer]
HEADERS = {'Content-Type': 'application/json'}


def run(client: Callable[[str, str], Ask]) -> None:
    """Send the requests on standard input with each key; print all responses.

    "ID" in a path is the id in the last response to a POST.
    """
    given = json.load(sys.stdin)
    print(json.dumps([answers(client(*key), given) for key in given['keys']]))


def answers(ask: Ask, given: dict[str, Any]) -> list[Any]:
    """Status and body of each response."""
    found: list[Any] = []
    id_ = '0' * 24
    for method, path, body in given['calls']:
        status, said = ask(
            method, given['url'] + path.replace('ID', id_), body
        )
        found.append([status, json.loads(said or 'null')])
        if method == 'POST' and status == 200:
            id_ = found[-1][1]['id']
    return found
