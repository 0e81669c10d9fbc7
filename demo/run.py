"""Serve keymw in front of a real Keystone until interrupted."""

import http.client
import os
from pathlib import Path
import signal
import string
import sys
from types import FrameType

from admin import Keystone
import alice
import catalogue
import port
import server
import state

REQUESTS = Path(__file__).parent / 'templates' / 'requests.txt'


def main() -> None:
    # Only the user who runs the demo may read databases, keys and logs.
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        serve(
            Path(os.environ['DEMO_DIR']).absolute(),
            port.checked(os.environ['PORT']),
        )
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f'The demo cannot run: {error}')


def stop(number: int, _frame: FrameType | None) -> None:
    # A second Ctrl-C must not interrupt the shutdown of the server.
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    sys.exit(128 + number)


def serve(place: Path, number: int) -> None:
    state.prepare(place, number)
    print('Starting both', flush=True)
    with server.Server(place, number) as running:
        running.wait_until_ready()
        url = f'http://127.0.0.1:{number}'
        keystone = Keystone(number)
        catalogue.complete(keystone, url)
        show_requests(url, alice.user_id(keystone), place)
        running.wait()


def show_requests(url: str, user_id: str, place: Path) -> None:
    text = string.Template(REQUESTS.read_text())
    print(f'keymw is ready on {url}', flush=True)
    filled = text.substitute(
        url=url, user_id=user_id, place=place, programs=state.PROGRAMS
    )
    print(filled, flush=True)


if __name__ == '__main__':
    main()
