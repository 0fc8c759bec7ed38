"""What an at-least-once engine's process does: drive one run, in a process that may be killed. `python drive_caller.py RUN`."""

import asyncio
import sys
from uuid import UUID

from tegu.app import Tegu


async def main() -> None:
    async with Tegu() as tegu:
        print(await tegu.drive(UUID(sys.argv[1])), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
