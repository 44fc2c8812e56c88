"""Play one world again and tell what happened: `python -m tests.faults SEED [CONTACT_ID]`.

`python -m tests.faults FIRST LAST` looks for seeds at which something does not hold; `make soak` does so on all cores.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor, as_completed
from os import cpu_count
from time import monotonic

from postroad.commits import Commit
from tests.faults.invariants import ids_of, violations
from tests.faults.troubles import find_needed
from tests.faults.worlds import START, World, run_world

BLOCK = 100
SOAKED = 100_000
ENDLESS = "the_world_comes_to_rest"


def tell(seed: int, contact_id: str | None) -> int:
    """The world, commit by commit when a contact is named, and what does not hold."""
    world = World(seed)
    committed = world.memory.on_commit
    told: list[str] = []

    def tell_commit(commit: Commit) -> None:
        committed(commit)
        contact = commit.contact
        if contact_id in (contact.contact_id, *contact.merged_from):
            told.append(
                f"{world.loop.now - START:10.1f} s  version {contact.version + 1}, revision {contact.revision},"
                f" folded {contact.events_folded}, segments {sorted(contact.segments)},"
                f" at {[(e.journey, e.step) for e in contact.active.values()]},"
                f" messages {[m.message_id for m in commit.messages]}, absorbed {commit.absorbed}"
            )

    world.memory.on_commit = tell_commit
    world.run()
    print(*told, f"faults {world.mix}\ninjected {world.loop.injected}", sep="\n")
    contact = world.memory.load(contact_id) if contact_id else None
    for row in sorted(world.memory.list_rows(ids_of(contact)) if contact else [], key=lambda row: row.key):
        print(f"  {row.key} {row.event.name} {[str(i) for i in row.event.identities]}")
        for decision in row.decisions:
            print(f"      {decision.definition} {decision.step}: {decision.verdict}: {decision.because}")
    for message in world.memory.messages.values():
        times = {state: round(at - START, 1) for state, at in message.times.items()}
        print(f"  message {message.message_id} of {message.contact_id}: {message.state} {message.reason} {times}")
    found = violations(world)
    for name, sentence in found:
        print(f"{name}: {sentence}")
    if found:
        print(explain(seed, {name for name, _ in found}))
    return 1 if found else 0


def explain(seed: int, invariants: Collection[str]) -> str:
    """What has to go wrong for a world to fail as it does, found by leaving out one thing after the other."""

    def fails(without: frozenset[str]) -> bool:
        try:
            return any(name in invariants for name, _ in violations(World(seed, without=without).run()))
        except RuntimeError:
            return ENDLESS in invariants

    return f"it takes: {', '.join(find_needed(fails)) or 'nothing that goes wrong'}"


def find_broken(first: int, last: int) -> list[tuple[int, str, str]]:
    """(seed, invariant, sentence) of what does not hold in a range of worlds; of each the first sentence."""
    found: list[tuple[int, str, str]] = []
    for seed in range(first, last):
        try:
            broken = violations(run_world(seed))
        except RuntimeError as error:  # a world that does not come to rest is broken as well
            broken = [(ENDLESS, str(error))]
        found += [(seed, name, sentence) for name, sentence in dict(reversed(broken)).items()]
    return found


def search(first: int, last: int, play: Callable[[int, int], list[tuple[int, str, str]]] = find_broken) -> int:
    """Play a range of worlds on all cores; tells each that fails, what it takes, and how to play it again."""
    began, done, counts = monotonic(), 0, Counter[str]()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    with ProcessPoolExecutor(cpu_count()) as pool:
        blocks = range(first, last, BLOCK)
        under_way = {pool.submit(play, at, min(at + BLOCK, last)): min(at + BLOCK, last) - at for at in blocks}
        for future in as_completed(under_way):
            done += under_way[future]
            for seed, name, sentence in future.result():
                counts[name] += 1
                if counts[name] <= 5:
                    print(f"seed {seed} at commit {commit.stdout.strip()}: {name}: {sentence}")
                    print(f"  {explain(seed, [name])}\n  again: python -m tests.faults {seed}", flush=True)
            if sys.stdout.isatty():
                print(f"\r{done} of {last - first} worlds, {done / (monotonic() - began):.0f} a second", end="")
    print(f"{last - first} worlds in {monotonic() - began:.0f} s: {dict(counts) or 'all is well'}")
    return 1 if counts else 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["soak"]:
        numbers = [int(each) for each in arguments[1:]] or [SOAKED]
        sys.exit(search(numbers[-1] if len(numbers) > 1 else 0, sum(numbers)))
    if len(arguments) == 2 and arguments[1].isdigit():
        sys.exit(search(int(arguments[0]), int(arguments[1])))
    sys.exit(tell(int(arguments[0]), arguments[1] if len(arguments) > 1 else None))
