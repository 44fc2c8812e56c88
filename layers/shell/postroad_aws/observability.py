"""One log line is one JSON object of a fixed sentence and allowed facts: no bodies, no addresses, no keys.

Powertools' Logger would cost each cold start 15 ms beside botocore and would print whatever it is given; here a text
whose name is not on the list does not leave the process.
"""

import json
import os
import sys
import traceback

# Names of texts that say nothing about a person: ids that are random or HMACs, and names of our own things.
# Numbers and truths may have any name.
ALLOWED = frozenset(
    ("channel", "contact_id", "cursor", "definition", "error", "event_id", "group", "journey", "message_id", "path",
     "queue", "reason", "receipt", "route", "service", "shard", "source", "state", "step", "where")
)  # fmt: skip


class Logger:
    """Writes lines to standard output, which Lambda keeps."""

    def info(self, message: str, **facts: object) -> None:
        self._write("INFO", message, facts)

    def warning(self, message: str, **facts: object) -> None:
        self._write("WARNING", message, facts)

    def error(self, message: str, **facts: object) -> None:
        self._write("ERROR", message, facts)

    def exception(self, message: str, **facts: object) -> None:
        """An error with the kind and the place of the exception in hand, without its text: it may quote somebody."""
        kind, _, trace = sys.exc_info()
        frames = traceback.extract_tb(trace)[-6:]
        where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
        self._write("ERROR", message, {"error": kind.__name__ if kind else None, "where": where, **facts})

    def _write(self, level: str, message: str, facts: dict[str, object]) -> None:
        kept = {
            name: value
            for name, value in facts.items()
            if isinstance(value, int | float) or (name in ALLOWED and value is not None)
        }
        line = {"level": level, "message": message, "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"), **kept}
        sys.stdout.write(json.dumps(line, default=str, separators=(",", ":")) + "\n")
        sys.stdout.flush()


logger = Logger()
