"""Play one world again and tell what happened: `python -m tests.faults SEED [CONTACT_ID]`.

`python -m tests.faults FIRST LAST` looks for seeds at which something does not hold.
"""

import sys
from collections import Counter

from postroad.commits import Commit
from postroad_aws.observability import logger
from tests.faults.invariants import ids_of, violations
from tests.faults.worlds import START, World, run_world


def tell(seed: int, contact_id: str | None) -> int:
    """The world, commit by commit when a contact is named, and what does not hold."""
    world = World(seed)
    committed = world.memory.on_commit

    def tell_commit(commit: Commit) -> None:
        committed(commit)
        contact = commit.contact
        if contact_id in (contact.contact_id, *contact.merged_from):
            print(
                f"{world.loop.now - START:10.1f} s  version {contact.version + 1}, revision {contact.revision},"
                f" folded {contact.events_folded}, segments {sorted(contact.segments)},"
                f" at {[(e.journey, e.step) for e in contact.active.values()]},"
                f" messages {[m.message_id for m in commit.messages]}, absorbed {commit.absorbed}"
            )

    world.memory.on_commit = tell_commit
    world.run()
    print(f"faults {world.mix}\ninjected {world.loop.injected}")
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
    return 1 if found else 0


def search(first: int, last: int) -> int:
    """The first seeds of a range at which each invariant does not hold."""
    counts: Counter[str] = Counter()
    for seed in range(first, last):
        for name, sentence in violations(run_world(seed)):
            counts[name] += 1
            if counts[name] <= 5:
                print(f"seed {seed}: {name}: {sentence}", flush=True)
    print(f"{last - first} worlds: {dict(counts) or 'all is well'}")
    return 1 if counts else 0


if __name__ == "__main__":
    type(logger)._write = lambda self, level, message, facts: None  # type: ignore[method-assign]
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[1].isdigit():
        sys.exit(search(int(arguments[0]), int(arguments[1])))
    sys.exit(tell(int(arguments[0]), arguments[1] if len(arguments) > 1 else None))
