"""The product's clock, and the time machine's file."""

import time

import pytest

from postroad_aws import clock
from postroad_aws.settings import settings


@pytest.fixture
def offset(tmp_path, monkeypatch):
    file = tmp_path / "clock"
    monkeypatch.setenv("POSTROAD_CLOCK", str(file))
    settings.cache_clear()
    yield file
    settings.cache_clear()


def test_without_a_time_machine_it_is_the_machines_own_clock(monkeypatch):
    monkeypatch.delenv("POSTROAD_CLOCK", raising=False)
    settings.cache_clear()
    assert clock.now() == pytest.approx(time.time(), abs=30)
    settings.cache_clear()


@pytest.mark.parametrize(("text", "ahead"), [("259200.0", 259_200.0), ("", 0.0), (None, 0.0)])
def test_the_time_machine_moves_it_between_two_readings(offset, text, ahead):
    assert clock.now() == pytest.approx(time.time(), abs=30)
    if text is not None:
        offset.write_text(text)
    assert clock.now() == pytest.approx(time.time() + ahead, abs=30)
