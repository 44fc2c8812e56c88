"""The product's clock: the machine's, moved by the local cloud's time machine when there is one."""

import time

from postroad_aws.settings import settings


def now() -> float:
    """Epoch seconds. The offset is read at each call (10 us): the time machine may have moved it in between."""
    path = settings().clock_file
    if not path:
        return time.time()
    try:
        with open(path, encoding="ascii") as file:
            return time.time() + float(file.read() or 0.0)
    except FileNotFoundError:
        return time.time()


def sleep(seconds: float) -> None:
    """Wait in real time: for a retry, never for a person's time."""
    time.sleep(seconds)
