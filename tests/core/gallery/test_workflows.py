"""Every workflow of the gallery, walked on every path."""

import pytest

from postroad.content.rendering import compile_message_template
from postroad.gallery import build, get_workflow
from postroad.policy import parse_policy
from tests.core.gallery.life import MONDAY, POLICY, SITE, Walks, every_path

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def test_c14_sign_up_first_opening_first_purchase_and_second_offer_follow_one_another() -> None:
    with every_path("welcome") as walks:
        buyer = walks.live().does("Signed Up").opens("hello").passes("P2D").does("Order Completed")
        assert buyer.steps == ["hello"]
        assert buyer.passes("P2D").steps == ["hello", "second"]
        assert buyer.does("Order Completed").ended == ["bought twice"]

        once = walks.live().does("Signed Up").opens("hello").does("Order Completed").passes("P20D")
        assert (once.steps, once.ended) == (["hello", "second"], ["bought once"])

        silent = walks.live().does("Signed Up").passes("P20D")
        assert silent.steps == ["hello", "again"]
        assert silent.ended == ["no purchase within two weeks"]

        unread = walks.live().does("Signed Up").does("Order Completed").passes("P6D")
        assert unread.steps == ["hello", "second"], "who has bought is not asked to begin once more"


def test_c40_a_new_subscriber_is_greeted_at_once_and_only_once_ever() -> None:
    person = Walks("welcome").live().does("Signed Up")
    assert [message.created_at for message in person.messages] == [MONDAY]
    person.passes("P60D").does("Signed Up").passes("P1D")
    assert person.steps.count("hello") == 1


def test_c15_guests_who_accept_decline_or_say_nothing_and_come_or_stay_away_are_each_followed_up() -> None:
    with every_path("invitation", event="gala", title="the Gala") as walks:

        def invited():
            return walks.live().does("Added to Segment", segment="invitation-guests")

        came = invited().does("Invitation Answered", event="gala", answer="yes").passes("P10D")
        came.does("Event Attended", event="gala")
        assert came.steps == ["invite", "details", "thanks"]
        assert came.ended == ["came"]

        missed = invited().passes("P6D").does("Invitation Answered", event="gala", answer="yes").passes("P30D")
        assert missed.steps == ["invite", "remind", "details", "missed"]
        assert missed.ended == ["accepted and did not come"]

        declined = invited().does("Invitation Answered", event="gala", answer="no")
        assert (declined.steps, declined.ended) == (["invite", "next"], ["declined"])

        silent = invited().does("Invitation Answered", event="another", answer="yes").passes("P11D")
        assert (silent.steps, silent.ended) == (["invite", "remind"], ["did not answer"])


def test_c16_a_cart_without_an_order_is_reminded_of_and_an_order_ends_it() -> None:
    with every_path("cart") as walks:
        goods = {"products": [{"name": "Beans", "price": 12.5}, {"name": "Cup", "price": 8}]}
        opener = walks.live().does("Cart Updated", **goods).passes("PT59M")
        assert opener.steps == []
        opener.passes("PT1M").opens("reminder").passes("PT4H")
        assert opener.steps == ["reminder", "offer"]

        ignores = walks.live().does("Product Added", name="Beans").passes("P3D")
        assert ignores.steps == ["reminder", "last"]

        by_text = walks.live(phone="+34600000000")
        assert by_text.does("Product Added", name="Beans").passes("P3D").steps == ["reminder", "text"]

        orders = walks.live().does("Product Added", name="Beans").passes("PT30M").does("Order Completed").passes("P5D")
        assert (orders.steps, orders.ended) == ([], ["goal"])


def test_c17_a_birthday_is_wished_each_year_on_the_local_day_also_on_29_february() -> None:
    with every_path("birthday") as walks:
        auckland = walks.live(birthday="1990-11-20", timezone="Pacific/Auckland").passes("P30D")
        assert auckland.sent == [("wish", "2026-11-19T20:00"), ("ending", "2026-11-24T20:00")]
        assert auckland.passes("P365D").steps.count("wish") == 2

        leap = walks.live(birthday="1992-02-29", timezone="UTC").passes("P900D")
        wished = [when for step, when in leap.sent if step == "wish"]
        assert wished == ["2027-02-28T09:00", "2028-02-29T09:00", "2029-02-28T09:00"]

        yearless = walks.live(birthday="--11-20", timezone="UTC").passes("P30D")
        assert yearless.steps[:1] == ["wish"]
        assert walks.live(birthday="soon").passes("P400D").steps == []


def test_c18_the_next_lesson_waits_for_the_last_one_to_be_read_or_for_long_enough_and_the_depth_is_kept() -> None:
    with every_path("course", title="Brewing") as walks:
        eager = walks.live().does("Course Requested")
        for lesson in (1, 2, 3, 4):
            assert eager.steps[-1] == f"lesson-{lesson}"
            eager.clicks(f"lesson-{lesson}")
            assert eager.contact.find_value("course_depth") == lesson
            eager.passes("P2D")
        assert (eager.steps[-1], eager.ended) == ("talk", ["read the last lesson"])

        slow = walks.live().does("Course Requested").passes("P8D")
        assert slow.steps == ["lesson-1"]
        slow.passes("P1D").clicks("lesson-2").passes("P30D")
        assert slow.steps == ["lesson-1", "lesson-2", "lesson-3", "lesson-4"]
        assert (slow.contact.find_value("course_depth"), slow.ended) == (2, ["did not read the last lesson"])

        absent = walks.live().does("Course Requested").passes("P60D")
        assert (absent.steps, absent.ended) == (["lesson-1", "lesson-2", "lesson-3"], ["read none of three lessons"])


def test_c41_what_was_looked_at_twice_and_not_bought_is_shown_again() -> None:
    with every_path("looked-at") as walks:
        looks = walks.live().does("Product Viewed", name="Kenya").does("Product Viewed", name="Kenya").passes("P6D")
        assert looks.steps == ["mail", "alike"]
        again = walks.live().does("Product Viewed", name="Kenya").does("Product Viewed", name="Kenya").passes("PT4H")
        assert again.clicks("mail").ended == ["looked again"]
        assert walks.live().does("Product Viewed", name="Kenya").passes("P1D").ended == ["looked only once"]
        bought = walks.live().does("Product Viewed").does("Product Viewed").does("Order Completed").passes("P9D")
        assert (bought.steps, bought.ended) == ([], ["goal"])


def test_c42_buyers_are_written_to_before_a_holiday_of_the_country_in_which_they_live() -> None:
    christmas = [
        {"name": "Christmas", "date": "12-25", "country": "PT"},
        {"name": "Christmas", "date": "01-07", "country": "RS"},
    ]
    with every_path("holiday", calendar={"closed": christmas}) as walks:
        for country, day in (("PT", "2026-12-04T10:00"), ("RS", "2026-12-17T09:00")):
            buyer = walks.live(country=country).does("Order Completed").passes("P46D")
            assert buyer.sent == [("ideas", day)], country
            assert buyer.passes("P30D").steps == ["ideas", "last"]
        buys = walks.live(country="PT").does("Order Completed").passes("P33D").does("Order Completed").passes("P30D")
        assert (buys.steps, buys.ended) == (["ideas"], ["goal"])
        assert walks.live(country="US").does("Order Completed").passes("P90D").steps == []
        assert walks.live(country="PT").passes("P90D").steps == []


def test_c62_a_lapsed_buyer_gets_one_discount_for_each_lapse() -> None:
    with every_path("win-back") as walks:
        lapsed = walks.live().does("Order Completed").passes("P89D")
        assert lapsed.steps == []
        lapsed.passes("P1D")
        assert lapsed.steps == ["code"]
        lapsed.passes("P120D")
        assert (lapsed.steps, lapsed.ended) == (["code", "last"], ["did not come back"])
        lapsed.does("Order Completed").passes("P90D").clicks("code").does("Order Completed")
        assert (lapsed.steps.count("code"), lapsed.ended[-1]) == (2, "goal")


@pytest.mark.parametrize(("workflow", "mail", "coupon", "for_all"), [
    ("win-back", "code", "comeback", "COMEBACK"), ("film", "coupon", "film", "SEENIT"),
])  # fmt: skip
def test_c50_a_lapsed_buyer_and_who_saw_the_film_get_a_code_of_their_own(
    workflow: str, mail: str, coupon: str, for_all: str
) -> None:
    documents = build(get_workflow(workflow), {"site": SITE}, parse_policy(POLICY))
    compiled = compile_message_template(documents[f"template/{workflow}-{mail}"])
    code = {"code": "K7Q2-M9XA-3RTPW", "until": MONDAY}
    assert "<b>K7Q2-M9XA-3RTPW</b>" in compiled.render({"contact": {}, "coupon": {coupon: code}}).html
    # While the policy has no such coupon, there is one code for all.
    assert f"<b>{for_all}</b>" in compiled.render({"contact": {}, "coupon": {}}).html


def test_c63_a_review_is_asked_for_after_time_to_enjoy_and_never_of_what_went_back() -> None:
    with every_path("review") as walks:

        def delivered(*products: str):
            goods = [{"product_id": product, "name": product.title()} for product in products]
            return walks.live().does("Order Delivered", order_id="o-1", products=goods)

        content = delivered("beans").passes("P10D")
        assert content.steps == ["ask"]
        assert content.does("Review Given", product_id="beans", rating=5).steps == ["ask", "share"]

        unhappy = delivered("beans").passes("P16D").does("Review Given", product_id="beans", rating=2)
        assert unhappy.steps == ["ask", "remind", "sorry"]

        silent = delivered("beans").passes("P30D")
        assert (silent.steps, silent.ended) == (["ask", "remind"], ["gave no review"])

        refunded = delivered("beans", "cup").passes("P3D").does("Order Refunded", order_id="o-1")
        assert refunded.passes("P30D").steps == []


def test_c63_each_product_is_asked_about_by_itself() -> None:
    walks = Walks("review")
    goods = [{"product_id": "beans"}, {"product_id": "cup"}, {"product_id": "kettle"}]
    person = walks.live().does("Order Delivered", products=goods).passes("P2D")
    person.does("Order Refunded", products=[{"product_id": "kettle"}]).passes("P8D")
    assert person.steps == ["ask", "ask"]
    person.does("Review Given", product_id="beans", rating=5)
    assert person.steps == ["ask", "ask", "share"]
    person.passes("P5D")
    assert person.steps == ["ask", "ask", "share", "remind"], "the cup has no review yet"
    person.does("Order Delivered", products=[{"product_id": "beans"}, {"product_id": "tea"}]).passes("P11D")
    assert person.steps.count("ask") == 3, "of the beans they have been asked lately"


def test_c72_a_trial_is_led_from_its_first_day_to_a_last_word_and_a_subscription_ends_it() -> None:
    with every_path("trial") as walks:
        active = walks.live().does("Trial Started").passes("P1D").does("Feature Used")
        assert active.steps == ["start", "more"]
        active.passes("P7D")
        assert active.steps[-1] == "ends"
        assert active.does("Subscription Started").ended == ["goal"]

        lost = walks.live().does("Trial Started").passes("P13D").does("Trial Ended").passes("P10D")
        assert lost.steps == ["start", "help", "ends", "over"]
        assert lost.ended == ["did not subscribe"]

        unheard = walks.live().does("Trial Started").passes("P60D")
        assert unheard.steps[-1] == "over", "also where nobody says that the trial has ended"


def test_c84_a_mail_that_fits_the_company_follows_within_fifteen_minutes_of_leaving_a_product_page() -> None:
    with every_path("product-page", page="/plans") as walks:
        large = walks.live(company_size=400, role="CTO").does("Page Viewed", path="/plans/team")
        large.passes("PT2M").does("Page Left", path="/plans/team")
        assert large.steps == ["large"]
        assert large.messages[0].created_at - MONDAY <= 15 * MINUTE
        large.clicks("large").passes("P21D")
        assert large.steps == ["large", "technical", "meet"]

        small = walks.live(company_size=4).does("Page Viewed", path="/plans").passes("PT10M")
        assert small.steps == ["small"], "also where no script says that they have left"
        assert small.passes("P21D").steps == ["small", "business", "later"]
        assert small.ended == ["the time is over"]


def test_c85_the_length_of_a_nurture_is_one_setting_that_rescales_its_steps() -> None:
    for length, third in (("P21D", 7 * DAY), ("P6W", 14 * DAY), ("P1D", 8 * HOUR)):
        walks = Walks("product-page", page="/plans", length=length)
        person = walks.live(company_size=400).does("Page Viewed", path="/plans").does("Page Left", path="/plans")
        person.passes("P60D")
        assert [message.created_at - MONDAY for message in person.messages] == [0.0, third, 2 * third]


def test_c91_a_warm_lead_is_called_in_time_or_escalated_and_a_cold_one_is_nurtured_on() -> None:
    score = {"kind": "score", "id": "warmth", "rules": [{"id": "demo", "event": "Demo Booked", "points": 70}]}
    with every_path("handoff", score, score="warmth", manager="lead@example.com") as walks:

        def warm():
            return walks.live(owner="rui@example.com", timezone="UTC").does("Demo Booked")

        interested = warm()
        (call,) = interested.tasks
        assert (call.kind, call.assignee, call.due_at) == ("call", "rui@example.com", MONDAY + DAY)
        assert interested.completes("interested").ended == ["interested"]

        cold = warm().completes("not_interested")
        assert (cold.steps, cold.ended) == (["nurture"], ["nurtured on"])
        assert warm().completes("no_answer").steps == ["missed"]
        assert warm().completes("wrong_number").steps == ["write"]
        assert warm().completes("call_back").passes("P15D").ended == ["left to sales"]

        forgotten = warm().passes("P1D")
        assert [task.assignee for task in forgotten.tasks] == ["rui@example.com", "lead@example.com"]
        assert forgotten.does("Deal Opened").ended == ["goal"]
        assert walks.live().does("Page Viewed").passes("P5D").tasks == []


def test_c104_content_customers_recommend_and_are_thanked_when_somebody_comes_through_them() -> None:
    with every_path("advocate") as walks:

        def regular():
            return walks.live().does("Order Completed").does("Order Completed").does("Order Completed")

        thanked = regular().does("Referral Sent").passes("P30D").does("Referral Converted")
        assert (thanked.steps, thanked.ended) == (["ask", "thanks"], ["somebody came through them"])
        unlucky = regular().passes("P8D").does("Referral Sent").passes("P91D")
        assert (unlucky.steps, unlucky.ended) == (["ask", "remind"], ["nobody came through them"])
        assert regular().passes("P30D").ended == ["did not recommend"]
        assert walks.live().does("Order Completed").does("Order Completed").steps == []


def test_c104_customers_at_the_limit_of_their_plan_are_offered_the_next() -> None:
    with every_path("upgrade") as walks:
        looks = walks.live().does("Limit Reached", limit="10 projects").clicks("offer").passes("P10D")
        assert (looks.steps, looks.ended) == (["offer", "question"], ["stays with the plan"])
        assert walks.live().does("Limit Reached").passes("P5D").steps == ["offer", "remind"]
        assert walks.live().does("Limit Reached").does("Plan Upgraded").passes("P9D").steps == ["offer"]


def test_silent_readers_are_asked_once_and_then_left_in_peace() -> None:
    with every_path("silent") as walks:
        for answers, ended in ((True, "still wants our mails"), (False, "marked as silent")):
            reader = walks.live()
            for number in range(6):
                reader.does("Message Sent", message_id=f"old-{number}", channel="email")
            assert reader.steps == ["ask"]
            if answers:
                reader.clicks("ask")
            assert reader.passes("P20D").ended == [ended]
            assert bool(reader.contact.find_value("silent")) is not answers


def test_newcomers_who_watch_the_film_get_the_coupon() -> None:
    with every_path("film") as walks:
        watches = walks.live().does("Newsletter Joined").does("Video Playback Completed").passes("P20D")
        assert (watches.steps, watches.ended) == (["film", "coupon"], ["did not order"])
        late = walks.live().does("Newsletter Joined").passes("P4D").does("Video Playback Completed")
        assert late.does("Order Completed").steps == ["film", "again", "coupon"]
        assert walks.live().does("Newsletter Joined").passes("P20D").ended == ["did not watch the film"]
