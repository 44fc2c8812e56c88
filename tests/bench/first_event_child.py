"""A sandbox that handles one event and says when it was done; see first_event.py. Imports as little as it can."""

import marshal
import sys
import time

with open(sys.argv[1], "rb") as file:
    function, event, tape, replay = marshal.load(file)


class Context:
    def get_remaining_time_in_millis(self):
        return 30_000


class Raw:
    def __init__(self, content):
        self.content = content

    def stream(self, **_):
        yield self.content


import botocore.handlers  # noqa: E402
from botocore.awsrequest import AWSResponse  # noqa: E402

if replay:
    with open(tape, "rb") as file:
        answers = marshal.load(file)
    answers.reverse()

    def answer(request, event_name, **_):
        operation, status, headers, content = answers.pop()
        assert event_name.endswith("." + operation), f"{event_name} where {operation} was kept"
        return AWSResponse(request.url, status, headers, Raw(content))

    botocore.handlers.BUILTIN_HANDLERS.append(("before-send", answer))
else:
    answers = []

    def keep(http_response, model, **_):
        headers = {name.lower(): value for name, value in http_response.headers.items()}
        answers.append((model.name, http_response.status_code, headers, http_response.content))

    botocore.handlers.BUILTIN_HANDLERS.append(("after-call", keep))

handler = __import__(f"functions.{function}.app", fromlist=["handler"]).handler
result = handler(event, Context())
done = time.process_time()
assert (result or {}).get("statusCode", 200) == 200, result
assert not (result or {}).get("batchItemFailures"), result
if not replay:
    with open(tape, "wb") as file:
        marshal.dump(answers, file)
print("\n", done)
