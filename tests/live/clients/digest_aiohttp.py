"""aiohttp, with its DigestAuthMiddleware in one session."""

import asyncio

import aiohttp  # type: ignore[import-not-found]

from tests.live.clients import asked


def client(public_key: str, private_key: str) -> asked.Ask:
    """Ask with one middleware, which uses a nonce again."""
    digest = aiohttp.DigestAuthMiddleware(public_key, private_key)

    async def answered(
        method: str, url: str, body: str | None
    ) -> asked.Answer:
        async with (
            aiohttp.ClientSession(middlewares=(digest,)) as session,
            session.request(
                method, url, data=body, headers=asked.HEADERS
            ) as answer,
        ):
            return answer.status, await answer.text()

    return lambda *what: asyncio.run(answered(*what))


if __name__ == '__main__':
    asked.run(client)
