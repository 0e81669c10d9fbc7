"""requests, with its HTTPDigestAuth in one session."""

import requests
from requests.auth import HTTPDigestAuth

from tests.live.clients import asked


def client(public_key: str, private_key: str) -> asked.Ask:
    """Ask with one session, which uses a nonce again."""
    session = requests.Session()
    session.auth = HTTPDigestAuth(public_key, private_key)

    def ask(method: str, url: str, body: str | None) -> asked.Answer:
        answer = session.request(
            method, url, data=body, headers=asked.HEADERS, timeout=30
        )
        return answer.status_code, answer.text

    return ask


if __name__ == '__main__':
    asked.run(client)
