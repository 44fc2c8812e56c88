"""How long the simulator takes over ten thousand people who go through a journey of ten steps for three weeks.

The journey stands among all that the demo brand has published, so people have scores, segments and a stage besides. It
sends five mails and a text, waits four times, branches, and ends for those who buy. It runs as `postroad simulate`
runs it, on two processors; what is measured is the processor time of all its processes, halved: what passes on the
clock when the machine does nothing else.

By itself: `PYTHONPATH=infra python -m tests.bench.simulating`.
"""

import os
import sys
from typing import Any

from demo.documents import load_definitions
from postroad.simulation import Deed, Forecast, Habits, Shelf, Trial
from postroad_command.simulating import simulate_in_parts
from tests.bench.report import Measured

PEOPLE, DAYS, PROCESSORS, RUNS = 10_000, 21.0, 2, 3
GOAL = 10.0

JOURNEY: dict[str, Any] = {
    "kind": "journey",
    "id": "ten-steps",
    "name": "Ten steps",
    "trigger": {"event": "Signed Up"},
    "goal": {"event": "Order Completed", "within": "P21D"},
    "steps": [
        {"id": "hello", "send": {"template": "welcome"}},
        {
            "id": "read",
            "wait": {
                "opened": "hello",
                "timeout": "P3D",
                "then": [],
                "else": [{"id": "again", "send": {"template": "welcome-again"}}],
            },
        },
        {"id": "pause", "wait": {"for": "P3D"}},
        {
            "id": "plan",
            "branch": {
                "cases": [
                    {
                        "if": {"attribute": "plan", "is": "pro"},
                        "name": "pro",
                        "then": [{"id": "offer", "send": {"template": "second-offer"}}],
                    }
                ],
                "else": [{"id": "cart", "send": {"template": "cart-reminder"}}],
            },
        },
        {"id": "look", "wait": {"event": "Page Viewed", "timeout": "P5D", "then": [], "else": []}},
        {"id": "text", "send": {"template": "cart-text", "channel": "sms"}},
        {"id": "rest", "wait": {"for": "P7D"}},
    ],
}
DEEDS = (
    Deed("Page Viewed", 0.6, after="opened"),
    Deed("Product Viewed", 0.4, after="clicked"),
    Deed("Order Completed", 0.2, delay=7 * 86_400.0, properties={"total": 24}),
)


def make_trial() -> Trial:
    shelf = Shelf().put({**load_definitions(), "journey/ten-steps": JOURNEY})
    return Trial(shelf, "ten-steps", DAYS, habits=Habits(deeds=DEEDS))


def simulate_once(people: int = PEOPLE) -> tuple[Forecast, float]:
    """The forecast, and the seconds that it takes with both processors for itself."""
    trial, before = make_trial(), os.times()
    forecast = simulate_in_parts(trial, people, PROCESSORS)
    after = os.times()
    return forecast, sum(b - a for a, b in zip(before[:4], after[:4], strict=True)) / PROCESSORS


def measure() -> Measured:
    """Seconds, run by run."""
    return Measured([simulate_once()[1] for _ in range(RUNS)])


if __name__ == "__main__":
    found, seconds = simulate_once(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
    print(f"{seconds:.1f} s (goal {GOAL:.0f}); {found.sends}, {found.conversions} conversions")
