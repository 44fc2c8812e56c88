"""Where a contact stands: it joins and leaves segments, and changes its stage."""

from postroad import events as names
from postroad.fold.folding import Folding
from postroad.segments import Segment
from postroad.stages import move


def join(folding: Folding, segment: Segment, because: str) -> list[str]:
    folding.contact.segments[segment.id] = folding.now
    folding.decide(f"segment/{segment.id}", "", "entered", because)
    folding.causes(names.SEGMENT_ENTERED, segment=segment.id, name=segment.name)
    return [f"segment:{segment.id}"]


def leave(folding: Folding, segment_id: str, because: str) -> list[str]:
    del folding.contact.segments[segment_id]
    folding.decide(f"segment/{segment_id}", "", "left", because)
    folding.causes(names.SEGMENT_LEFT, segment=segment_id)
    return [f"segment:{segment_id}"]


def put_into(folding: Folding, segment_id: str, because: str) -> list[str]:
    """Put the contact into a static segment; facts that change."""
    segment = _find_static(folding, segment_id)
    return join(folding, segment, because) if segment and segment_id not in folding.contact.segments else []


def take_out_of(folding: Folding, segment_id: str, because: str) -> list[str]:
    """Take the contact out of a static segment; facts that change."""
    is_in = _find_static(folding, segment_id) and segment_id in folding.contact.segments
    return leave(folding, segment_id, because) if is_in else []


def _find_static(folding: Folding, segment_id: str) -> Segment | None:
    segment = folding.book.segments.get(segment_id)
    if segment is None or not segment.is_static:
        missing = f"is {'dynamic: it follows its condition' if segment else 'not published'}"
        folding.decide(f"segment/{segment_id}", "", "not changed", missing)
        return None
    return segment


def set_stage(folding: Folding, stage: str, definition: str, step: str, because: str) -> list[str]:
    before = folding.contact.stage.name if folding.contact.stage else None
    if before == stage:
        return []
    *earlier, present = move(folding.contact.stage, folding.contact.stages_before, stage, folding.now, because)
    folding.contact.stage, folding.contact.stages_before = present, tuple(earlier)
    folding.decide(definition, step, f"stage {stage}", because)
    folding.causes(names.STAGE_CHANGED, stage=stage, before=before)
    return ["stage"]
