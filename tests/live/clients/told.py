"""The input of a client program, and its output."""

from collections.abc import Callable
import json
import sys
from typing import Any


def run(
    sign_in_and_list: Callable[[dict[str, str]], tuple[str, Any]],
    refused: type[Exception],
) -> None:
    """Print the token and the list, or the refusal, of each login."""

    def told(given: dict[str, str]) -> dict[str, Any]:
        try:
            token, listed = sign_in_and_list(given)
        except refused as error:
            status = getattr(error, 'http_status', None)
            return {'refused': type(error).__name__, 'status': status}
        return {'token': token, 'listed': listed}

    print(json.dumps([told(given) for given in json.load(sys.stdin)]))
