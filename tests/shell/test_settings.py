"""The environment, read in one place."""

import pytest

from postroad_aws.settings import SettingMissingError, read_settings


def test_an_empty_variable_counts_as_absent():
    assert read_settings({"KEYS_TABLE": "", "EVENTS_TABLE": "t"}).keys_table is None
    assert read_settings({}).base_url == ""


def test_a_missing_setting_is_named_when_it_is_needed():
    with pytest.raises(SettingMissingError, match="EVENTS_QUEUE_URL is not set"):
        read_settings({}).require("events_queue_url")
    assert read_settings({"EVENTS_QUEUE_URL": "https://q"}).require("events_queue_url") == "https://q"
