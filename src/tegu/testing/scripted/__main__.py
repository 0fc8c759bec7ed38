"""The scripted provider as its own process: `python -m tegu.testing.scripted --script FILE.json --ledger FILE.jsonl`.

Called by tests that kill workers, which share one provider. Invariant: the first line of stdout is the URL, printed
when the server answers; SIGTERM and SIGINT end it cleanly; it never outlives its lifetime.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from tegu.domain.errors import TeguError
from tegu.testing.scripted.document import load_script
from tegu.testing.scripted.script import Script
from tegu.testing.scripted.server import ScriptedProvider


def main() -> int:
    """Serve until told to stop; exit code 2 for a script that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m tegu.testing.scripted", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--script", type=Path, help="JSON file with rules and default")
    parser.add_argument("--ledger", type=Path, help="JSON lines file that every request is appended to")
    parser.add_argument("--lifetime-s", type=float, default=3600.0, help="ends by itself after this time")
    options = parser.parse_args()
    try:
        script = load_script(options.script) if options.script else Script()
    except TeguError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    server = ScriptedProvider(
        script, host=options.host, port=options.port, ledger_path=options.ledger, keeps_bodies=False
    )
    asyncio.run(_serve(server, options.lifetime_s))
    return 0


async def _serve(server: ScriptedProvider, lifetime_s: float) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        try:
            async with asyncio.timeout(lifetime_s):
                await stopped.wait()
        except TimeoutError:
            return


if __name__ == "__main__":
    sys.exit(main())
