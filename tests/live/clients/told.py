"""The input of a client program, and its output."""

from collections.abc import Callable
import json
import sys
from typing import Any


def run(
    sign_in_and_list: Callable[[dict[str, str]], tuple[str, Any]],
    refused: type[Exception],
) -> None:
    """Print the token and the list, or the refusal of the login."""
    try:
        token, listed = sign_in_and_list(json.load(sys.stdin))
    except refused as error:
        status = getattr(error, 'http_status', None)
        told = {'refused': type(error).__name__, 'status': status}
    else:
        told = {'token': token, 'listed': listed}
    print(json.dumps(told))
