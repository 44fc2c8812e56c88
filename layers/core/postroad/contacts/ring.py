"""The ring: short hashes of the events a contact folded lately, so that an event acts once.

Old entries leave when there is no doubt about them any more. An entry younger than RETRY_HORIZON may belong to a
delivery whose timeline row is not written yet (a crash between commit and row), so it stays, however many there are; a
contact busier than BUSY entries within the horizon has its rows written in the commit itself, and those entries may
leave at once. Whoever is not found in a ring that has turned over lately must be looked up in the timeline by key.
"""

from dataclasses import dataclass

KEEP = 32
BUSY = 256
RETRY_HORIZON = 20 * 60.0
REMEMBERED = 7 * 86_400.0
_SIZE = 6


@dataclass(frozen=True, slots=True)
class Ring:
    """Hashes in the order of folding, in runs: (minute of the commit, hashes joined). `turned` is the last eviction."""

    runs: tuple[tuple[int, bytes], ...] = ()
    turned: float = 0.0

    def __contains__(self, short_hash: bytes) -> bool:
        for _, hashes in self.runs:
            at = hashes.find(short_hash)
            while at >= 0:
                if at % _SIZE == 0:
                    return True
                at = hashes.find(short_hash, at + 1)
        return False

    def __len__(self) -> int:
        return sum(len(hashes) for _, hashes in self.runs) // _SIZE

    def may_have_forgotten(self, now: float) -> bool:
        """Whether an event of the last seven days could have left the ring, so that its row must be looked up."""
        return self.turned > now - REMEMBERED

    def young(self, now: float) -> int:
        """How many entries may still lack their timeline row."""
        return sum(len(hashes) for minute, hashes in self.runs if minute * 60 > now - RETRY_HORIZON) // _SIZE

    def young_hashes(self, now: float) -> set[bytes]:
        """The hashes of the events whose timeline row may still be missing."""
        runs = [hashes for minute, hashes in self.runs if minute * 60 > now - RETRY_HORIZON]
        return {hashes[i : i + _SIZE] for hashes in runs for i in range(0, len(hashes), _SIZE)}

    def is_busy(self, now: float) -> bool:
        """Whether so much is young that the next rows belong into the commit itself."""
        return self.young(now) >= BUSY

    def add(self, short_hashes: list[bytes], now: float, *, rows_in_commit: bool = False) -> "Ring":
        """The ring after a commit of these events. With `rows_in_commit` their rows cannot be missing."""
        # An entry whose row is certain counts as old: it is stamped with minute 0.
        minute = 0 if rows_in_commit else int(now // 60)
        old = b"".join(hashes for at, hashes in self.runs if at * 60 <= now - RETRY_HORIZON)
        young = [(at, hashes) for at, hashes in self.runs if at * 60 > now - RETRY_HORIZON]
        joined = b"".join(short_hashes)
        if minute == 0:
            old += joined
        elif young and young[-1][0] == minute:
            young[-1] = (minute, young[-1][1] + joined)
        else:
            young.append((minute, joined))
        room = max(0, KEEP - sum(len(hashes) for _, hashes in young) // _SIZE) * _SIZE
        kept = old[len(old) - min(room, len(old)) :]
        turned = now if len(kept) < len(old) else self.turned
        return Ring(((0, kept), *young) if kept else tuple(young), turned)

    def merge(self, other: "Ring") -> "Ring":
        """Both contacts' memories; whatever either may have forgotten, the merged one may have forgotten too."""
        runs = sorted((*self.runs, *other.runs))
        seen: set[bytes] = set()
        merged: dict[int, bytes] = {}
        for minute, hashes in reversed(runs):
            fresh = [h for h in (hashes[i : i + _SIZE] for i in range(0, len(hashes), _SIZE)) if h not in seen]
            seen.update(fresh)
            merged[minute] = b"".join(fresh) + merged.get(minute, b"")
        return Ring(
            tuple((minute, hashes) for minute, hashes in sorted(merged.items()) if hashes),
            max(self.turned, other.turned),
        )
