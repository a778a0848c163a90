"""Finds an author by name and prints each new version of the profile.

`python examples/follow.py ADDRESS NAME [COUNT]`; COUNT versions, by default until Ctrl-C.
"""

import asyncio
import sys
from contextlib import aclosing

from scholarstream_client import Client


async def main(address: str, name: str, count: int | None) -> None:
    async with Client(address) as client:
        found = await client.search(name, limit=1)
        if not found:
            sys.exit(f"no author is called {name}")
        async with aclosing(client.follow(ids=[found[0]["author_id"]])) as profiles:
            async for profile in profiles:
                numbers = profile["headline"]
                print(
                    profile["name"], profile["version"], numbers["h_index"], numbers["citations"], flush=True
                )
                if count is not None and (count := count - 1) <= 0:
                    return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None))
