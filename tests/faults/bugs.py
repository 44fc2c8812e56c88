"""Planted bugs: each is a small change of the product or of what it relies on, and an invariant that must notice it.

A harness that cannot fail proves nothing. `seed` is one at which the bug was found; should the worlds change, the test
looks for another among the first 500.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from typing import Any, NamedTuple

from postroad.accounts import take_copy
from postroad.broadcasts import broadcast as broadcasts
from postroad.commits import Commit
from postroad.consent import rule
from postroad.contacts import merging, ring
from postroad.contacts.contact import Seat
from postroad.content import link_keys
from postroad.events import WAKE
from postroad.fold import accounts as fold_accounts
from postroad.fold.folding import Folding
from postroad.keyed import Per
from postroad.lots import choose
from postroad.sending import calendars, caps, gates, messages, outbox
from postroad.sending.messages import SENDING, Message
from postroad_aws.observability import logger
from postroad_aws.ports import Accepted, Ports, Refused, Unclear
from postroad_aws.usecases import confirm_consent as confirming
from postroad_aws.usecases import follow_accounts as following
from postroad_aws.usecases import process_events as folding
from postroad_aws.usecases import refuse
from postroad_aws.usecases import resume_runs as resuming
from postroad_aws.usecases import run_broadcast as running
from postroad_aws.usecases import send_message as sending
from postroad_aws.usecases import serve_privacy as serving
from postroad_aws.usecases import submit_form as forms
from postroad_aws.usecases import sweep_messages as sweeping
from postroad_aws.usecases import wake_contacts as waking
from tests.faults import erasing, worlds
from tests.faults import memory as memories
from tests.faults.worlds import changed


class Bug(NamedTuple):
    plant: Callable[[], AbstractContextManager[Any]]
    found_by: str
    seed: int


def refusals_are_read_when_queued() -> AbstractContextManager[Any]:
    """The check before the claim: what the fold knew when it queued the message has to do."""
    return changed(sending, _find_obstacle=lambda *_: None)


def refusals_are_confirmed_first() -> AbstractContextManager[Any]:
    """The page says that it is done before it is: what goes wrong after that, nobody tries again."""
    unsubscribe = refuse.unsubscribe

    def confirm(*args: Any, **options: Any) -> None:
        with suppress(Exception):
            unsubscribe(*args, **options)

    return changed(refuse, unsubscribe=confirm)


def the_sdk_retries() -> AbstractContextManager[Any]:
    """A client with its default retries calls SES again when no answer came."""
    return changed(worlds.Post, retries=2)


def a_timeout_is_a_no() -> AbstractContextManager[Any]:
    """No answer counts as not sent, so the claim is given back."""
    send = worlds.Post.send

    def hopeful(self: worlds.Post, envelope: Any) -> Accepted | Refused | Unclear:
        result = send(self, envelope)
        return Refused("timeout", 60.0) if isinstance(result, Unclear) else result

    return changed(worlds.Post, send=hopeful)


def claims_have_no_owner() -> AbstractContextManager[Any]:
    """Whoever finds a message in `sending` takes it for a claim of its own whose answer was lost."""
    claim = memories.MemoryMessages.claim

    def claim_any(self: memories.MemoryMessages, message_id: str, owner: str, now: float) -> Message | None:
        message = self.memory.messages.get(message_id)
        return message if message and message.state == SENDING else claim(self, message_id, owner, now)

    return changed(memories.MemoryMessages, claim=claim_any)


def stale_claims_are_sent_again() -> AbstractContextManager[Any]:
    """The sweep queues again what a sender left behind."""
    real = sweeping.sweep_messages

    def sweep(ports: Ports) -> Any:
        for shard in range(16):
            for message in ports.messages.list_pending(f"{shard:02d}", ports.clock.now(), 100):
                if message.state == SENDING and message.owner:
                    now = ports.clock.now()
                    ports.messages.release(message.message_id, message.owner, now, "stale", now)
                    ports.queues.send_messages([message.message_id])
        return real(ports)

    return changed(sweeping, sweep_messages=sweep)


def nobody_sweeps() -> AbstractContextManager[Any]:
    """The stream is taken for reliable."""
    return changed(sweeping, sweep_messages=lambda ports: None)


def states_go_back() -> AbstractContextManager[Any]:
    """The last word about a message wins, in whatever order the words come."""
    everything = lambda state: tuple(other for other in messages.STATES if other != state)  # noqa: E731
    return changed(memories, states_before=everything)


def the_queue_deduplicates() -> AbstractContextManager[Any]:
    """Nobody remembers which events were folded: SQS has deduplicated them."""
    return changed(folding._Cluster, has_folded=lambda *_: False)


def the_ring_has_no_horizon() -> AbstractContextManager[Any]:
    """A ring that forgets entries whose rows may not be written yet."""
    return changed(ring, RETRY_HORIZON=0.0)


def rows_come_first() -> AbstractContextManager[Any]:
    """The timeline row is written before the commit, and whoever finds a row drops the event."""
    commit = folding._Cluster.commit

    def rows_then_commit(self: Any, pending: Any) -> None:
        if pending.rows:
            self.ports.timeline.save_rows(pending.rows, self.now)
        commit(self, pending)

    def has_row(self: Any, pending: Any, event: Any) -> bool:
        keys = {(contact_id, event.key) for contact_id in (pending.contact.contact_id, *pending.contact.merged_from)}
        return event.name != WAKE and bool(self.ports.timeline.find_keys(keys))

    return changed(folding._Cluster, commit=rows_then_commit, has_folded=has_row)


def versions_are_not_checked() -> AbstractContextManager[Any]:
    """The last writer wins."""
    return changed(memories.MemoryContacts, holds=lambda self, contact_id, version, gone=(): True)


def _outbox(first: bool) -> AbstractContextManager[Any]:
    write = folding._Cluster.write

    def put(self: Any, found: Sequence[Message]) -> None:
        table = self.ports.messages
        for message in found:
            if message.message_id not in table.port.memory.messages:
                table.loop.call("put", table.port.memory.insert_message, (message,), {})

    def write_apart(self: Any, commit: Commit) -> None:
        if first:
            put(self, commit.messages)
        write(self, replace(commit, messages=()))
        self.ports.messages.port.memory.on_commit(commit)
        if not first:
            put(self, commit.messages)

    return changed(folding._Cluster, write=write_apart)


def messages_before_the_commit() -> AbstractContextManager[Any]:
    """The outbox is written first, apart from the contact."""
    return _outbox(first=True)


def messages_after_the_commit() -> AbstractContextManager[Any]:
    """The outbox is written when the contact is, by a second call."""
    return _outbox(first=False)


def failures_are_acknowledged() -> AbstractContextManager[Any]:
    """A batch that failed is deleted from the queue."""
    real = folding.process_events

    def process(ports: Ports, deliveries: Sequence[Any]) -> list[str]:
        real(ports, deliveries)
        return []

    return changed(folding, process_events=process)


def a_merge_asks_nobody() -> AbstractContextManager[Any]:
    """Definitions are not asked again about a contact that has become two people's."""
    fold = folding.fold
    return changed(folding, fold=lambda *args, **options: fold(*args, **{**options, "everything": False}))


def timers_are_never_moved() -> AbstractContextManager[Any]:
    """A timer that is armed stays as it is, though something earlier has come up."""

    def arm(self: Any, *, fired: bool) -> None:
        pending = (*self.contact.turns.values(), *(e.due for e in self.contact.active.values()))
        if fired or self.contact.wake_at is None:
            self.contact.wake_at = min(pending, default=None)

    return changed(Folding, arm=arm)


def a_merge_forgets_what_it_dropped() -> AbstractContextManager[Any]:
    """Messages of both enrollments leave."""
    merge = merging.merge

    def merge_and_forget(*args: Any) -> Any:
        merged, decisions = merge(*args)
        merged.dropped = ()
        return merged, decisions

    return changed(folding, merge=merge_and_forget)


def twins_are_not_looked_for() -> AbstractContextManager[Any]:
    """The kept enrollment's message leaves, though the dropped one's has."""
    return changed(sending, _has_twin=lambda ports, message, contact: False)


def an_old_book_folds_on() -> AbstractContextManager[Any]:
    """A sandbox that trusts its old book folds contacts that a newer one has folded."""
    opened = folding._Cluster.opened
    trusting = changed(worlds.SandboxBooks, newest=worlds.SandboxBooks.current)

    def open_any(self: Any, resolution: Any, event: Any = None) -> Any:
        contact = resolution.contact
        newest = contact.revision if contact else 0
        if contact is not None and newest > self.book.revision:
            contact.revision = self.book.revision
        pending = opened(self, resolution, event)
        pending.contact.revision = max(pending.contact.revision, newest)
        return pending

    stack = ExitStack()
    stack.enter_context(trusting)
    stack.enter_context(changed(folding._Cluster, opened=open_any))
    return stack


def batches_are_counted_whenever_they_come() -> AbstractContextManager[Any]:
    """Nothing remembers what has been added up."""

    def add(self: memories.MemoryStats, stream: str, first: int, last: int, increments: Any, now: float) -> int:
        self.memory.sums.update(increments)
        return last

    return changed(memories.MemoryStats, add_once=add)


def the_other_contacts_places_stay() -> AbstractContextManager[Any]:
    """Only the contact that stays is compared with what is stored of it."""
    changes = folding.membership_changes

    def compare(contact: Any, stored: Mapping[str, Any]) -> Any:
        return changes(contact, {contact.contact_id: stored.get(contact.contact_id, {})})

    return changed(folding, membership_changes=compare)


def nobody_looks_at_a_run_again() -> AbstractContextManager[Any]:
    """A broadcast is begun once; whoever is cut off is gone."""
    return changed(running, _look_again=lambda *_: None)


def whom_aws_did_not_let_through_is_left_out() -> AbstractContextManager[Any]:
    """A page of people counts as addressed, whatever became of each."""
    fold_apart = running.fold_apart

    def fold_and_forget(*args: Any) -> list[int]:
        fold_apart(*args)
        return []

    return changed(running, fold_apart=fold_and_forget)


def who_moves_to_a_shard_that_has_passed_is_missed() -> AbstractContextManager[Any]:
    """Each shard is gone through once, and that is all."""
    return changed(running, address_missed=lambda *_: None)


def who_comes_during_a_run_gets_it_too() -> AbstractContextManager[Any]:
    """Whoever is in the segment when their shard has its turn is addressed."""
    return changed(broadcasts.Run, is_for=lambda self, since: True)


def a_person_gets_it_as_each_contact() -> AbstractContextManager[Any]:
    """A sender does not ask what the person's other messages of the broadcast are doing."""
    return changed(sending, _judge_twins=lambda *_: broadcasts.ALONE)


def addressed_is_done() -> AbstractContextManager[Any]:
    """A broadcast does not wait until each message has come to an end."""
    return changed(broadcasts.Tally, pending=0)


def the_last_to_save_a_run_wins() -> AbstractContextManager[Any]:
    """A run that was called off begins all the same, when both happen at once."""
    return changed(memories.MemoryBroadcasts, holds=lambda self, stored, before: True)


def senders_do_not_ask_for_holds() -> AbstractContextManager[Any]:
    """What is queued leaves, whoever has paused or stopped it."""
    return changed(sending, _is_held=lambda *_: False, _find_hold=lambda *_: None)


def a_hold_is_forgotten() -> AbstractContextManager[Any]:
    """A paused run addresses nobody, but what is queued already is not held."""
    return changed(broadcasts.Run, hold=None)


def the_rest_draws_lots_too() -> AbstractContextManager[Any]:
    """A test has a winner, and the others get any of its templates."""
    pick = broadcasts.Run.pick

    def draw(self: Any, contact_id: str) -> tuple[str, str] | None:
        found = pick(self, contact_id)
        return found and (choose(dict.fromkeys(self.broadcast.templates, 1.0), contact_id), found[1])

    return changed(broadcasts.Run, pick=draw)


def once_more_means_everybody() -> AbstractContextManager[Any]:
    """Whoever sends a broadcast once more sends it to all who have a message of it, and not to those whom it failed."""

    def address(ports: Any, run: Any, part: str, after: str | None) -> str | None:
        page = ports.ledger.list_by_origin(run.broadcast.origin, cursor=after, limit=running.PAGE)
        running._address(ports, run, sorted({message.contact_id for message in page.items}))
        following: str | None = page.next
        return following

    return changed(running, _address_unsent=address, _STEPS={**running._STEPS, broadcasts.UNSENT: address})


def nothing_counts_against_the_caps() -> AbstractContextManager[Any]:
    """What was queued is not remembered."""
    return changed(caps, spend=lambda spent, *_: spent)


def what_waits_has_no_timer() -> AbstractContextManager[Any]:
    """A contact is not armed for the messages that wait for room."""
    return changed(outbox.Outbox, times=[])


def a_goal_leaves_what_waits() -> AbstractContextManager[Any]:
    """A message that waits is sent although its journey has reached its goal."""
    return changed(outbox.Outbox, call_off=lambda *_: None)


def an_older_copy_is_taken() -> AbstractContextManager[Any]:
    """Members believe whatever they heard last, though the account has said something else since."""

    def take(seat: Seat, said: Mapping[str, Any]) -> Seat:
        return take_copy(seat._replace(version=0), said)

    return changed(fold_accounts, take_copy=take)


def who_is_engaged_is_not_counted() -> AbstractContextManager[Any]:
    """Only who comes and leaves is heard of."""
    touch = following.touch

    def note(touched: Any, place: str, contact_id: str) -> None:
        if place.count("/") == 1:
            touch(touched, place, contact_id)

    return changed(following, touch=note)


def suppressed_accounts_are_written_to() -> AbstractContextManager[Any]:
    """The gate is left out."""
    return changed(gates, GATES=tuple(gate for gate in gates.GATES if gate.key != "account"))


def every_reply_is_answered() -> AbstractContextManager[Any]:
    """Nobody remembers whom an answer was given to."""
    return changed(memories.MemoryRequests, begin=lambda *_: None, finish=lambda *_: True)


def texts_leave_at_night() -> AbstractContextManager[Any]:
    """Only what the account has written down counts."""
    return changed(calendars.Calendar, of_channel=lambda self, channel: self)


def holds_are_not_looked_at() -> AbstractContextManager[Any]:
    """Whoever sends has never heard of holds."""
    return changed(memories.MemoryHolds, current=lambda self: ())


def a_log_says_to_whom() -> AbstractContextManager[Any]:
    """A line of a log has the address."""
    send = worlds.Post.send

    def say(self: worlds.Post, envelope: Any) -> Accepted | Refused | Unclear:
        logger.info("a message is sent", reason=f"to {envelope.to}")
        return send(self, envelope)

    return changed(worlds.Post, send=say)


def only_the_newest_timers_ring() -> AbstractContextManager[Any]:
    """A tick is taken for reliable: it wakes whom the last minute has made due, and nobody from before."""
    wake = waking.wake_contacts

    def wake_lately(ports: Any) -> Any:
        class Lately:
            def list_due(self, shard: str, until: float, limit: int, after: Any = None) -> Sequence[Any]:
                due = ports.contacts.list_due(shard, until, limit, after)
                return [(contact_id, at) for contact_id, at in due if at > until - 90.0]

        return wake(replace(ports, contacts=Lately()))

    return changed(waking, wake_contacts=wake_lately)


def an_order_ends_every_passage() -> AbstractContextManager[Any]:
    """What happens to one of the passages that go side by side happens to all."""
    return changed(Per, concerns=lambda self, key, event: True)


def one_passage_at_a_time() -> AbstractContextManager[Any]:
    """Of all that an event is about only the first has a passage."""
    find_keys = Per.find_keys
    return changed(Per, find_keys=lambda self, event: find_keys(self, event)[:1])


def an_import_brings_back_the_erased() -> AbstractContextManager[Any]:
    """Whatever happened later begins somebody anew, also when it is only said of them."""
    return changed(folding, begins_anew=lambda event, erased_at: event.time > erased_at)


def an_erasure_leaves_no_stone() -> AbstractContextManager[Any]:
    """A contact is deleted, and nothing stays by which it would be known."""
    erase = serving.erase_item

    def erase_plainly(ports: Any, contact_id: str, **options: Any) -> Any:
        return erase(ports, contact_id, **{**options, "erased_at": None})

    return changed(serving, erase_item=erase_plainly)


def who_begins_anew_keeps_the_past() -> AbstractContextManager[Any]:
    """Under an id by which somebody has begun anew, nothing is looked for any more."""

    def forget(self: Any, forget: Callable[..., None]) -> None:
        forget([contact_id for contact_id in self.ids if contact_id not in self.shared])

    return changed(serving._People, forget=forget)


def suppress_in_name_only(self: Any, addresses: Any, topics: Any, now: float) -> None:
    self.memory.erased_addresses.update(addresses)


def an_erasure_is_a_deletion() -> AbstractContextManager[Any]:
    """The person goes, and their addresses can be written to when they are there again."""
    return changed(erasing.Refusals, erase_answers=suppress_in_name_only)


def the_old_key_is_forgotten() -> AbstractContextManager[Any]:
    """A new key for links takes the place of the one that signed those in mails which have left."""
    make = worlds.make_signer
    return changed(worlds, make_signer=lambda keys, now: make([link_keys.find_current(keys, now)], now))


def a_tick_is_a_yes() -> AbstractContextManager[Any]:
    """Who fills in a form has agreed: nobody is asked to confirm it."""
    return changed(forms, _find_pending=lambda *_: frozenset())


def a_link_counts_from_when_it_is_pressed() -> AbstractContextManager[Any]:
    """The page that confirms looks at the hour, and not at when it was asked for, nor at what was refused since."""
    confirm = confirming.confirm_consent

    def confirm_now(ports: Any, link: Any, evidence: Any) -> bool:
        return confirm(ports, replace(link, asked_at=int(ports.clock.now())), evidence)

    return changed(confirming, confirm_consent=confirm_now)


def a_yes_lasts_for_ever() -> AbstractContextManager[Any]:
    """Consent that ends is asked about as any other."""
    ends_at = rule.ends_at
    return changed(rule, ends_at=lambda answer, expires_after=None: ends_at(answer))


def a_pause_is_no_answer() -> AbstractContextManager[Any]:
    """A no that ends is passed over when somebody asks what was said."""
    in_force = rule.in_force

    def in_force_for_good(answer: Any, *asked: Any) -> Any:
        return None if answer and answer.until is not None else in_force(answer, *asked)

    return changed(rule, in_force=in_force_for_good)


def a_pause_never_ends() -> AbstractContextManager[Any]:
    """A pause is a no like any other."""
    ends_at = rule.ends_at
    return changed(rule, ends_at=lambda answer, expires_after=None: ends_at(answer._replace(until=None), expires_after))


def nobody_asks_how_often() -> AbstractContextManager[Any]:
    """Only the caps of the policy count."""
    of_policy = lambda policy, contact: policy.caps  # noqa: E731
    stack = ExitStack()
    stack.enter_context(changed(gates, caps_of=of_policy))
    stack.enter_context(changed(outbox, caps_of=of_policy))
    return stack


def a_start_is_not_looked_after() -> AbstractContextManager[Any]:
    """Whoever asks for an erasure starts its run, or nobody does."""
    return changed(resuming, resume_runs=lambda *_: 0)


BUGS: Mapping[str, Bug] = {
    bug.plant.__name__: bug
    for bug in (
        Bug(refusals_are_read_when_queued, "nothing_after_a_refusal", 22),
        Bug(refusals_are_confirmed_first, "nothing_after_a_refusal", 60),
        Bug(the_sdk_retries, "nothing_twice", 3),
        Bug(a_timeout_is_a_no, "nothing_twice", 2),
        Bug(claims_have_no_owner, "nothing_twice", 4),
        Bug(stale_claims_are_sent_again, "nothing_twice", 4),
        Bug(nobody_sweeps, "nothing_waits_for_ever", 0),
        Bug(states_go_back, "nothing_waits_for_ever", 161),
        Bug(the_queue_deduplicates, "counts_equal_the_timeline", 0),
        Bug(the_ring_has_no_horizon, "counts_equal_the_timeline", 16),
        Bug(rows_come_first, "counts_equal_the_timeline", 3),
        Bug(versions_are_not_checked, "counts_equal_the_timeline", 15),
        Bug(messages_before_the_commit, "the_outbox_is_the_commit", 1),
        Bug(messages_after_the_commit, "the_outbox_is_the_commit", 1),
        Bug(failures_are_acknowledged, "nothing_lost", 1),
        Bug(a_merge_asks_nobody, "memberships_equal_a_recomputation", 0),
        Bug(the_other_contacts_places_stay, "memberships_equal_a_recomputation", 0),
        Bug(batches_are_counted_whenever_they_come, "stats_equal_a_recount", 0),
        Bug(timers_are_never_moved, "nothing_stuck", 2),
        Bug(a_merge_forgets_what_it_dropped, "no_step_twice", 19),
        Bug(twins_are_not_looked_for, "no_step_twice", 141),
        Bug(an_order_ends_every_passage, "passages_go_side_by_side", 21),
        Bug(one_passage_at_a_time, "passages_go_side_by_side", 1),
        Bug(an_old_book_folds_on, "counts_equal_the_timeline", 13),
        Bug(nobody_looks_at_a_run_again, "a_broadcast_ends_and_adds_up", 3),
        Bug(addressed_is_done, "a_broadcast_ends_and_adds_up", 1),
        Bug(the_last_to_save_a_run_wins, "a_broadcast_ends_and_adds_up", 143),
        Bug(whom_aws_did_not_let_through_is_left_out, "a_broadcast_reaches_everybody_once", 37),
        Bug(who_moves_to_a_shard_that_has_passed_is_missed, "a_broadcast_reaches_everybody_once", 22),
        Bug(who_comes_during_a_run_gets_it_too, "a_broadcast_reaches_everybody_once", 67),
        Bug(a_person_gets_it_as_each_contact, "no_step_twice", 143),
        Bug(senders_do_not_ask_for_holds, "what_stands_still_does_not_leave", 220),
        Bug(a_hold_is_forgotten, "what_stands_still_does_not_leave", 23),
        Bug(the_rest_draws_lots_too, "a_broadcast_gives_each_what_is_theirs", 31),
        Bug(once_more_means_everybody, "a_broadcast_gives_each_what_is_theirs", 205),
        Bug(nothing_counts_against_the_caps, "caps_hold", 3),
        Bug(what_waits_has_no_timer, "who_waits_is_woken", 3),
        Bug(a_goal_leaves_what_waits, "goals_stop_journeys", 135),
        Bug(an_older_copy_is_taken, "members_carry_what_their_account_says", 262),
        Bug(who_is_engaged_is_not_counted, "members_carry_what_their_account_says", 2),
        Bug(the_old_key_is_forgotten, "every_way_out_opens", 24),
        Bug(holds_are_not_looked_at, "what_is_held_stays", 12),
        Bug(a_log_says_to_whom, "nobody_shows_in_a_log", 0),
        Bug(only_the_newest_timers_ring, "nothing_stuck", 0),
        Bug(every_reply_is_answered, "a_reply_is_answered_once", 16),
        Bug(texts_leave_at_night, "quiet_hours_hold", 19),
        Bug(an_import_brings_back_the_erased, "who_was_erased_comes_back_by_themselves_alone", 9),
        Bug(an_erasure_leaves_no_stone, "who_was_erased_comes_back_by_themselves_alone", 4),
        Bug(who_begins_anew_keeps_the_past, "nothing_is_left_of_the_erased", 4),
        Bug(an_erasure_is_a_deletion, "nothing_after_a_refusal", 19),
        Bug(a_tick_is_a_yes, "only_who_has_confirmed_gets_the_letter", 2),
        Bug(a_link_counts_from_when_it_is_pressed, "only_who_has_confirmed_gets_the_letter", 2),
        Bug(a_yes_lasts_for_ever, "only_who_has_confirmed_gets_the_letter", 66),
        Bug(a_pause_is_no_answer, "a_pause_holds_and_ends", 18),
        Bug(a_pause_never_ends, "a_pause_holds_and_ends", 18),
        Bug(nobody_asks_how_often, "how_often_holds", 10),
        Bug(a_start_is_not_looked_after, "nothing_is_left_of_the_erased", 79),
        Bug(suppressed_accounts_are_written_to, "nobody_is_written_to_in_a_suppressed_account", 22),
    )
}
