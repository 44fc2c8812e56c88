"""The local cloud as one thing: start, deploy, serve, reset, stop."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localcloud import server
from localcloud.costs import Meter
from localcloud.deploy import Deployer, Stack
from localcloud.engine import Engine, clients_for, find_user, only_user
from localcloud.gateway import Gateway, routes_of
from localcloud.inbox import Inbox
from localcloud.packaging import Say, emulator_python
from localcloud.signin import SignIn
from localcloud.timemachine import Clock, TimeMachine, iso

SETTINGS = Path(__file__).with_name("settings.yaml")


class LocalCloud:
    """Runs `template` on 127.0.0.1:`port`, all it keeps in `store`. `seed` is a command run once for each new state,
    `site` a folder of pages that are served beside the product."""

    def __init__(
        self,
        template: Path,
        store: Path,
        port: int,
        seed: str = "",
        say: Say = print,
        settings: Path = SETTINGS,
        site: Path | None = None,
    ):
        self.template, self.store, self.port, self.seed, self.say = template.resolve(), store.resolve(), port, seed, say
        self.site = site.resolve() if site else None
        self.settings: Mapping[str, Any] = yaml.safe_load(settings.read_text())
        self.url = f"http://localhost:{port}"
        self.state = self.store / "state"
        self.resetting = threading.Lock()
        self.sign_in = SignIn(self.settings["name"], self.settings.get("people", ()), time.time)

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Everything up to serving. Raises RuntimeError or ValueError with a sentence; what was started is stopped."""
        region = self.settings["region"]
        try:
            self.server = server.serve(self.port, self)
        except OSError as problem:
            if find_user(self.state) == self.port:
                raise RuntimeError(f"{self.settings['name']} is already running at {self.url}") from problem
            raise self._port_is_taken() from problem
        self.clock = Clock(self.state / "clock")
        python = emulator_python(self.store, self.say)
        self.engine = Engine(python, self.state, region, self.clock.offset, self.port)
        try:
            # Not before the emulator of an earlier run has ended, which the state tells: its functions would find the
            # mailbox of this run, and wait for an answer.
            try:
                self.server.server_activate()
            except OSError as problem:
                raise self._port_is_taken() from problem
            self.clients = clients_for(self.engine.endpoint, region)
            self.meter = Meter(self.store / "errors.log", self.say, self.clock.now())
            self.inbox = Inbox(self.clock, self.clients, self.engine, self.state / "mails.jsonl", self.meter.count)
            self.time_machine = TimeMachine(
                self.clock, self.engine, self.clients, self.state / "schedules.json", self.inbox.pending, self.meter
            )
            self.deployer = Deployer(self.clients, self.template, self.settings, self.store, python, self.say)
            self.say("Packaging the functions and starting the AWS emulator")
            fill = {"url": self.url, "port": str(self.port), "clock": str(self.clock.path)}
            self.deployer.prepare(fill, self.meter.port)
            self.engine.wait_until_ready()
            self.texts_before = len(self.inbox.texts())
            self.executions_before: dict[str, Any] = {}
            stack = self._deploy()
            threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True, name="http").start()
            self.inbox.begin()
            # A new stack is empty, whatever an earlier run, which may have died, says of its data.
            if stack.is_new or not (self.state / "seeded").exists():
                self._seed(stack)
            threading.Thread(target=self.time_machine.run, daemon=True, name="schedules").start()
        except BaseException:
            self.engine.stop()
            raise

    def _port_is_taken(self) -> RuntimeError:
        return RuntimeError(f"Port {self.port} is in use; choose another, for example PORT={self.port + 1}")

    def check(self) -> None:
        """Raises RuntimeError when the emulator has ended by itself."""
        if self.engine.process.poll() is not None:
            raise RuntimeError(f"The AWS emulator has ended by itself; see {self.engine.log}. Start again.")

    def stop(self) -> None:
        """End in order: first what causes work, then what is under way, then the emulator. The state is kept whole."""
        self.time_machine.stop()
        self.server.refuse()
        self.inbox.stop()  # from now on events about mails wait for the next start
        try:
            if left := self.engine.ask("/_localcloud/hold", {})["cut_off"]:
                self.say(f"Did not wait any longer for {', '.join(left)}")
            self.server.shutdown()
        except OSError as problem:
            self.say(f"The AWS emulator is gone ({problem}); see {self.engine.log}")
        self.engine.stop()

    def _deploy(self) -> Stack:
        self.say(f"Deploying {self.template.name}")
        stack = self.deployer.deploy()
        self.gateway = Gateway(routes_of(stack), self.clients("lambda").invoke)
        self.time_machine.adopt(stack)
        self.meter.adopt(stack)
        self.machines = {
            stack.names[key]: each["Properties"].get("StateMachineType", "STANDARD")
            for key, each in stack.of_type("AWS::StepFunctions::StateMachine").items()
        }
        self.engine.ask("/_localcloud/begin", {})
        return stack

    def _seed(self, stack: Stack) -> None:
        """Run the seeding command; it finds the product's address, AWS's and the stack's outputs in its environment."""
        if self.seed:
            self.say("Loading the first data")
            environment = os.environ | {
                self.settings["url_variable"]: self.url,
                "AWS_ENDPOINT_URL": self.engine.endpoint,
                "AWS_REGION": self.settings["region"],
                "AWS_DEFAULT_REGION": self.settings["region"],
                "AWS_ACCESS_KEY_ID": "000000000000",
                "AWS_SECRET_ACCESS_KEY": "local",
                "STACK_OUTPUTS": json.dumps(stack.outputs),
                "STACK_RESOURCES": json.dumps(stack.names),
            }
            done = subprocess.run(shlex.split(self.seed), env=environment, cwd=self.template.parent, check=False)
            if done.returncode:
                raise RuntimeError(f"The seeding command failed with exit code {done.returncode}: {self.seed}")
        (self.state / "seeded").touch()

    # ------------------------------------------------------------ what the server asks for

    def reset(self) -> None:
        """All data gone, the product deployed anew, the clock back to real time, seeded again."""
        with self.resetting:
            with self.time_machine.lock:
                self.engine.ask("/_localcloud/drain", {"timeout": 10})
                self.engine.ask("/_ministack/reset", {})
                (self.state / "seeded").unlink(missing_ok=True)
                self.inbox.clear()
                self.time_machine.forget()
                stack = self._deploy()
                self.reset_costs()
            self._seed(stack)  # may let time pass

    def costs(self) -> dict[str, Any]:
        time.sleep(0.02)  # the last function's report may still be on its way
        executions = self.engine.ask("/_localcloud/executions")
        counts = {
            "texts": len(self.inbox.texts()) - self.texts_before,
            "standard_transitions": 0,
            "express_requests": 0,
            "express_gb_seconds": 0.0,
        }
        for machine, tally in executions.items():
            before = self.executions_before.get(machine, {})
            ran = {key: value - before.get(key, 0) for key, value in tally.items()}
            if self.machines.get(machine) == "EXPRESS":
                counts["express_requests"] += ran["executions"]
                counts["express_gb_seconds"] += max(ran["ms"], 100 * ran["executions"]) / 1000 * 64 / 1024
            else:
                counts["standard_transitions"] += ran["transitions"]
        return self.meter.bill(iso, self.clock.now(), counts)

    def reset_costs(self) -> None:
        self.executions_before = self.engine.ask("/_localcloud/executions")
        self.texts_before = len(self.inbox.texts())
        self.meter.reset(self.clock.now())


def deploy(endpoint: str, template: Path, store: Path, port: int, say: Say = print, settings: Path = SETTINGS) -> Stack:
    """Deploy to a running emulator, and nothing more."""
    known = yaml.safe_load(settings.read_text())
    clients = clients_for(endpoint, known["region"])
    deployer = Deployer(clients, template.resolve(), known, store, Path(sys.executable), say)
    deployer.prepare({"url": f"http://localhost:{port}", "port": str(port), "clock": str(store / "state" / "clock")})
    return deployer.deploy()


def forget(store: Path) -> None:
    """Delete the state; what was installed stays. Raises RuntimeError while a run uses it."""
    with only_user(store / "state"):
        for name in ("state", "scratch"):
            shutil.rmtree(store / name, ignore_errors=True)
