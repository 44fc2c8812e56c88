"""The log: one line, one JSON object, nothing about a person."""

import json

from postroad_aws.observability import logger


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_fact_whose_name_is_not_allowed_does_not_leave_the_process(capsys):
    logger.info("an event was folded", email="ana@example.com", body="secret", source="shop", count=3, first=True)
    (line,) = lines(capsys)
    facts = {"source": "shop", "count": 3, "first": True}
    assert line == {"level": "INFO", "message": "an event was folded", "function": None, **facts}


def test_an_exception_is_logged_with_its_place_and_without_its_text(capsys):
    try:
        raise ValueError("ana@example.com is wrong")
    except ValueError:
        logger.exception("a request could not be answered")
    (line,) = lines(capsys)
    assert line["error"] == "ValueError"
    assert line["where"].startswith("test_observability.py:")
    assert "ana@" not in json.dumps(line)


def test_each_level_has_its_word(capsys):
    logger.warning("a")
    logger.error("b")
    assert [line["level"] for line in lines(capsys)] == ["WARNING", "ERROR"]
