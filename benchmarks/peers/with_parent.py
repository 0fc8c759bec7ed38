"""Run a command that ends with the process that started this: `python -m benchmarks.peers.with_parent COMMAND ...`."""

import os
import signal
import subprocess
import sys
import time


def main() -> None:
    """Kill the command, with all that it started, as soon as our parent is another."""
    parent = os.getppid()
    child = subprocess.Popen(sys.argv[1:], start_new_session=True)
    while child.poll() is None and os.getppid() == parent:
        time.sleep(0.1)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
