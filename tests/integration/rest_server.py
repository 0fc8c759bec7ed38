"""`python rest_server.py PORT`: the REST interface of the database of the environment, until the process ends."""

import asyncio
import sys

from http_lab import Served
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server

from tegu.app import Tegu
from tegu.interfaces.http.api import api


async def main() -> None:
    async with Tegu() as tegu:
        rest = api(Served(tegu).scope_of)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await rest(dict(scope) | {"root_path": "/api"}, receive, send)

        await Server(Config(app, port=int(sys.argv[1]), log_level="warning", lifespan="off")).serve()


if __name__ == "__main__":
    asyncio.run(main())
