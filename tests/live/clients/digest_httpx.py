"""httpx, with its DigestAuth in one client."""

import httpx  # type: ignore[import-not-found]

from tests.live.clients import asked


def client(public_key: str, private_key: str) -> asked.Ask:
    """Ask with one client, which uses a nonce again."""
    auth = httpx.DigestAuth(public_key, private_key)
    session = httpx.Client(auth=auth, headers=asked.HEADERS, timeout=30)

    def ask(method: str, url: str, body: str | None) -> asked.Answer:
        answer = session.request(method, url, content=body)
        return answer.status_code, answer.text

    return ask


if __name__ == '__main__':
    asked.run(client)
