"""The requests of a client with a global key, and their responses."""

from collections.abc import Callable
import json
import sys

Answer = tuple[int, str]
# By method, URL and, where there is one, a body in JSON.
Ask = Callable[[str, str, str | None], Answer]
HEADERS = {'Content-Type': 'application/json'}


def run(client: Callable[[str, str], Ask]) -> None:
    """Send the requests on standard input, and print all responses.

    "ID" in a path is the id in the last response to a POST.
    """
    given = json.load(sys.stdin)
    ask = client(given['public_key'], given['private_key'])
    answers, id_ = [], '0' * 24
    for method, path, body in given['calls']:
        status, said = ask(
            method, given['url'] + path.replace('ID', id_), body
        )
        answers.append([status, json.loads(said or 'null')])
        if method == 'POST' and status == 200:
            id_ = answers[-1][1]['id']
    print(json.dumps(answers))
