"""Waiting, in a program that is not async."""

import time


def sleep(seconds: float) -> None:
    """Wait so long."""
    time.sleep(seconds)
