"""The tests that the page on the simulator shows are tests that pass."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"


def test_the_tests_of_the_page_pass() -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, str(PAGE), "exec"), names)
    tests = [test for name, test in names.items() if name.startswith("test_") and callable(test)]
    assert len(tests) == 2
    for test in tests:
        test()
