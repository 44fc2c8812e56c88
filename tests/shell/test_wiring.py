"""The ports of production."""

from importlib import import_module

import pytest

from postroad.sending.channels import CHANNELS
from postroad_aws.wiring import keyless


@pytest.mark.parametrize("key", CHANNELS)
def test_a_channel_is_sent_by_the_module_of_its_name(key: str):
    channels = keyless().channels
    assert channels[key] is import_module(f"postroad_aws.channels.{key}")
    assert callable(channels[key].send)


def test_there_are_no_other_channels():
    channels = keyless().channels
    assert list(channels) == list(CHANNELS)
    with pytest.raises(KeyError):
        channels["pigeon"]
