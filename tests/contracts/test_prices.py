"""What a forecast says a message costs is what the price list says."""

import yaml

import templatecheck
from postroad.sending.channels import CHANNELS
from postroad.sending.prices import DATE, PER_MESSAGE

LIST = yaml.safe_load((templatecheck.ROOT / "infra/localcloud/prices.yaml").read_text())


_PRICED = (("email", "ses", "email"), ("sms", "sms", "text"), ("push", "sns", "push"))


def test_each_channel_has_the_price_of_the_list():
    listed = {key: float(LIST[service][of]) for key, service, of in _PRICED}
    assert {**dict.fromkeys(PER_MESSAGE, 0.0), **listed} == PER_MESSAGE
    assert PER_MESSAGE.keys() == CHANNELS.keys()


def test_the_prices_are_of_the_same_day():
    assert str(LIST["date"]) == DATE
