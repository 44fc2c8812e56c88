"""python -m localcloud run | reset | deploy (to the emulator that AWS_ENDPOINT_URL names)"""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

from localcloud.cloud import SETTINGS, LocalCloud, deploy, forget


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="localcloud", description="Runs a SAM template on this machine, with no account and no Docker."
    )
    parser.add_argument("command", choices=["run", "reset", "deploy"])
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8080")))
    parser.add_argument("--state", type=Path, default=Path(".postroad"), help="the folder for all that is kept")
    parser.add_argument("--template", type=Path, default=Path("template.yaml"))
    parser.add_argument("--settings", type=Path, default=SETTINGS)
    parser.add_argument("--site", type=Path, help="a folder of pages to serve under /_local/site")
    parser.add_argument("--seed", default="", help="a command that loads the first data, run once for each new state")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f} s] {text}", flush=True)

    cloud = LocalCloud(
        arguments.template, arguments.state, arguments.port, arguments.seed, say, arguments.settings, arguments.site
    )
    stop = threading.Event()

    def interrupt(*_: object) -> None:
        if stop.is_set():
            return
        stop.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        cloud.start()
    except KeyboardInterrupt:
        return 0
    except (RuntimeError, ValueError, OSError) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    try:
        print(f"{cloud.settings['name']} is running at {cloud.url}", flush=True)
        while not stop.wait(1):
            cloud.check()
    except KeyboardInterrupt:
        pass
    except RuntimeError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    print("Stopping: what is under way ends first, then the state is kept", flush=True)
    cloud.stop()
    return 0


def main() -> int:
    arguments = _arguments()
    if arguments.command == "reset":
        try:
            forget(arguments.state)
        except RuntimeError as problem:
            print(problem, file=sys.stderr)
            return 1
        print(f"Forgot the state in {arguments.state}")
        return 0
    if arguments.command == "deploy":
        endpoint = os.environ.get("AWS_ENDPOINT_URL")
        if not endpoint:
            print("Set AWS_ENDPOINT_URL to the emulator's address.", file=sys.stderr)
            return 1
        stack = deploy(endpoint, arguments.template, arguments.state, arguments.port, print, arguments.settings)
        print(f"Deployed {len(stack.names)} resources to {endpoint}")
        return 0
    return _run(arguments)


if __name__ == "__main__":
    sys.exit(main())
