"""urllib of the standard library, with its HTTPDigestAuthHandler."""

import urllib.error
import urllib.request

from tests.live.clients import asked


def client(public_key: str, private_key: str) -> asked.Ask:
    """Ask with one opener."""
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    opener = urllib.request.build_opener(
        urllib.request.HTTPDigestAuthHandler(passwords)
    )

    def ask(method: str, url: str, body: str | None) -> asked.Answer:
        data = None if body is None else body.encode()
        passwords.add_password(None, url, public_key, private_key)
        request = urllib.request.Request(
            url, data, asked.HEADERS, method=method
        )
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            # It gives up without the response when a key is wrong.
            return error.code, error.read().decode() if error.fp else ''

    return ask


if __name__ == '__main__':
    asked.run(client)
