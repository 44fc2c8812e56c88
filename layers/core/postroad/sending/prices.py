"""What a message costs on its channel, in USD: AWS's list prices, dated. What runs beside it is in docs/cost.md."""

from collections.abc import Mapping

# On demand, us-east-1, read on this day; a contract test holds it to the local cloud's price list.
DATE = "2026-11-22"

# A text's price is that of the United States, without the carrier's fee; other countries differ widely.
# A push is brought to its device at this price, beside the two requests to SNS.
# A webhook and a message on a site cost only what runs beside them; what a function of yours costs, you know.
PER_MESSAGE: Mapping[str, float] = {
    "email": 160.0e-6,
    "sms": 5.8e-3,
    "push": 0.5e-6,
    "webhook": 0.0,
    "custom": 0.0,
    "web": 0.0,
}
