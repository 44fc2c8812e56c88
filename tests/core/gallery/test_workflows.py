"""Every workflow of the gallery, walked on every path."""

from postroad.instants import parse_instant
from tests.core.gallery.life import MONDAY, Walks, every_path

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def test_c14_sign_up_first_opening_first_purchase_and_second_offer_follow_one_another() -> None:
    with every_path("welcome") as walks:
        buyer = walks.live().does("Signed Up").opens("welcome-hello").waits("P2D").does("Order Completed")
        assert buyer.got == ["welcome-hello"]
        assert buyer.waits("P2D").got == ["welcome-hello", "welcome-second"]
        assert buyer.does("Order Completed").ended == ["bought twice"]

        once = walks.live().does("Signed Up").opens("welcome-hello").does("Order Completed").waits("P20D")
        assert (once.got, once.ended) == (["welcome-hello", "welcome-second"], ["bought once"])

        silent = walks.live().does("Signed Up").waits("P20D")
        assert silent.got == ["welcome-hello", "welcome-again"]
        assert silent.ended == ["no purchase within two weeks"]

        unread = walks.live().does("Signed Up").does("Order Completed").waits("P6D")
        assert unread.got == ["welcome-hello", "welcome-second"], "who has bought is not asked to begin once more"


def test_c40_a_new_subscriber_is_greeted_at_once_and_only_once_ever() -> None:
    person = Walks("welcome").live().does("Signed Up")
    assert [message.created_at for message in person.messages] == [MONDAY]
    person.waits("P60D").does("Signed Up").waits("P1D")
    assert person.got.count("welcome-hello") == 1


def test_c15_guests_who_accept_decline_or_say_nothing_and_come_or_stay_away_are_each_followed_up() -> None:
    with every_path("invitation", event="gala", title="the Gala") as walks:

        def invited():
            return walks.live().does("Added to Segment", segment="invitation-guests")

        came = invited().does("Invitation Answered", event="gala", answer="yes").waits("P10D")
        came.does("Event Attended", event="gala")
        assert came.got == ["invitation-invite", "invitation-details", "invitation-thanks"]
        assert came.ended == ["came"]

        missed = invited().waits("P6D").does("Invitation Answered", event="gala", answer="yes").waits("P30D")
        assert missed.got == ["invitation-invite", "invitation-remind", "invitation-details", "invitation-missed"]
        assert missed.ended == ["accepted and did not come"]

        declined = invited().does("Invitation Answered", event="gala", answer="no")
        assert (declined.got, declined.ended) == (["invitation-invite", "invitation-next"], ["declined"])

        silent = invited().does("Invitation Answered", event="another", answer="yes").waits("P11D")
        assert (silent.got, silent.ended) == (["invitation-invite", "invitation-remind"], ["did not answer"])


def test_c16_a_cart_without_an_order_is_reminded_of_and_an_order_ends_it() -> None:
    with every_path("cart") as walks:
        goods = {"products": [{"name": "Beans", "price": 12.5}, {"name": "Cup", "price": 8}]}
        opener = walks.live().does("Cart Updated", **goods).waits("PT59M")
        assert opener.got == []
        opener.waits("PT1M").opens("cart-reminder").waits("PT4H")
        assert opener.got == ["cart-reminder", "cart-offer"]

        ignores = walks.live().does("Product Added", name="Beans").waits("P3D")
        assert ignores.got == ["cart-reminder", "cart-last"]

        by_text = walks.live(phone="+351911111111")
        by_text.contact.identities["phone:+351911111111"] = MONDAY
        assert by_text.does("Product Added", name="Beans").waits("P3D").got == ["cart-reminder", "cart-text"]

        orders = walks.live().does("Product Added", name="Beans").waits("PT30M").does("Order Completed").waits("P5D")
        assert (orders.got, orders.ended) == ([], ["goal"])


def test_c17_a_birthday_is_wished_each_year_on_the_local_day_also_on_29_february() -> None:
    with every_path("birthday") as walks:
        auckland = walks.live(birthday="1990-11-20", timezone="Pacific/Auckland").waits("P30D")
        at = parse_instant("2026-11-20T09:00:00+13:00")
        assert [(m.template, m.created_at) for m in auckland.messages] == [
            ("birthday-mail", at),
            ("birthday-ending", at + 5 * DAY),
        ]
        auckland.waits("P365D")
        assert auckland.got.count("birthday-mail") == 2

        leap = walks.live(birthday="1992-02-29", timezone="UTC").waits("P900D")
        wished = [message.created_at for message in leap.messages if message.template == "birthday-mail"]
        assert wished == [
            parse_instant("2027-02-28T09:00:00Z"),
            parse_instant("2028-02-29T09:00:00Z"),
            parse_instant("2029-02-28T09:00:00Z"),
        ]

        yearless = walks.live(birthday="--11-20", timezone="UTC").waits("P30D")
        assert yearless.got[:1] == ["birthday-mail"]
        nonsense = walks.live(birthday="soon").waits("P400D")
        assert nonsense.got == []


def test_c18_the_next_lesson_waits_for_the_last_one_to_be_read_or_for_long_enough_and_the_depth_is_kept() -> None:
    with every_path("course", title="Brewing") as walks:
        eager = walks.live().does("Course Requested")
        for lesson in (1, 2, 3, 4):
            assert eager.got[-1] == f"course-{lesson}"
            eager.clicks(f"course-{lesson}")
            assert eager.find_value("course_depth") == lesson
            eager.waits("P2D")
        assert (eager.got[-1], eager.ended) == ("course-talk", ["read the last lesson"])

        slow = walks.live().does("Course Requested").waits("P8D")
        assert slow.got == ["course-1"]
        slow.waits("P1D").clicks("course-2").waits("P30D")
        assert slow.got == ["course-1", "course-2", "course-3", "course-4"]
        assert (slow.find_value("course_depth"), slow.ended) == (2, ["did not read the last lesson"])

        absent = walks.live().does("Course Requested").waits("P60D")
        assert (absent.got, absent.ended) == (["course-1", "course-2", "course-3"], ["read none of three lessons"])


def test_c41_what_was_looked_at_twice_and_not_bought_is_shown_again() -> None:
    with every_path("looked-at") as walks:
        looks = walks.live().does("Product Viewed", name="Kenya").does("Product Viewed", name="Kenya").waits("P6D")
        assert looks.got == ["looked-at-mail", "looked-at-alike"]
        again = walks.live().does("Product Viewed", name="Kenya").does("Product Viewed", name="Kenya").waits("PT4H")
        assert again.clicks("looked-at-mail").ended == ["looked again"]
        assert walks.live().does("Product Viewed", name="Kenya").waits("P1D").ended == ["looked only once"]
        bought = walks.live().does("Product Viewed").does("Product Viewed").does("Order Completed").waits("P9D")
        assert (bought.got, bought.ended) == ([], ["goal"])


def test_c42_buyers_are_written_to_before_a_holiday_of_the_country_in_which_they_live() -> None:
    christmas = [
        {"name": "Christmas", "date": "12-25", "country": "PT"},
        {"name": "Christmas", "date": "01-07", "country": "RS"},
    ]
    with every_path("holiday", calendar={"closed": christmas}) as walks:
        for country, day in (("PT", "2026-12-04T10:00:00Z"), ("RS", "2026-12-17T10:00:00+01:00")):
            buyer = walks.live(country=country).does("Order Completed").waits("P46D")
            assert buyer.messages[0].created_at == parse_instant(day), country
            assert buyer.waits("P30D").got == ["holiday-ideas", "holiday-last"]
        buys = walks.live(country="PT").does("Order Completed").waits("P33D").does("Order Completed").waits("P30D")
        assert (buys.got, buys.ended) == (["holiday-ideas"], ["goal"])
        assert walks.live(country="US").does("Order Completed").waits("P90D").got == []
        assert walks.live(country="PT").waits("P90D").got == []


def test_c62_a_lapsed_buyer_gets_one_discount_for_each_lapse() -> None:
    with every_path("win-back") as walks:
        lapsed = walks.live().does("Order Completed").waits("P89D")
        assert lapsed.got == []
        lapsed.waits("P1D")
        assert lapsed.got == ["win-back-code"]
        lapsed.waits("P120D")
        assert (lapsed.got, lapsed.ended) == (["win-back-code", "win-back-last"], ["did not come back"])
        lapsed.does("Order Completed").waits("P90D").clicks("win-back-code").does("Order Completed")
        assert (lapsed.got.count("win-back-code"), lapsed.ended[-1]) == (2, "goal")


def test_c63_a_review_is_asked_for_after_time_to_enjoy_and_never_of_what_went_back() -> None:
    with every_path("review") as walks:
        content = walks.live().does("Order Delivered", order_id="o-1").waits("P10D")
        assert content.got == ["review-ask"]
        assert content.does("Review Given", rating=5).got == ["review-ask", "review-share"]

        unhappy = walks.live().does("Order Delivered", order_id="o-1").waits("P16D").does("Review Given", rating=2)
        assert unhappy.got == ["review-ask", "review-remind", "review-sorry"]

        silent = walks.live().does("Order Delivered", order_id="o-1").waits("P30D")
        assert (silent.got, silent.ended) == (["review-ask", "review-remind"], ["gave no review"])

        refunded = walks.live().does("Order Delivered", order_id="o-1").waits("P3D").does("Order Refunded")
        assert refunded.waits("P30D").got == []


def test_c72_a_trial_is_led_from_its_first_day_to_a_last_word_and_a_subscription_ends_it() -> None:
    with every_path("trial") as walks:
        active = walks.live().does("Trial Started").waits("P1D").does("Feature Used")
        assert active.got == ["trial-start", "trial-more"]
        active.waits("P7D")
        assert active.got[-1] == "trial-ends"
        assert active.does("Subscription Started").ended == ["goal"]

        lost = walks.live().does("Trial Started").waits("P13D").does("Trial Ended").waits("P10D")
        assert lost.got == ["trial-start", "trial-help", "trial-ends", "trial-over"]
        assert lost.ended == ["did not subscribe"]

        unheard = walks.live().does("Trial Started").waits("P60D")
        assert unheard.got[-1] == "trial-over", "also where nobody says that the trial has ended"


def test_c84_a_mail_that_fits_the_company_follows_within_fifteen_minutes_of_leaving_a_product_page() -> None:
    with every_path("product-page", page="/plans") as walks:
        large = walks.live(company_size=400, role="CTO").does("Page Viewed", path="/plans/team")
        large.waits("PT2M").does("Page Left", path="/plans/team")
        assert large.got == ["product-page-large"]
        assert large.messages[0].created_at - MONDAY <= 15 * MINUTE
        large.clicks("product-page-large").waits("P21D")
        assert large.got == ["product-page-large", "product-page-technical", "product-page-meet"]

        small = walks.live(company_size=4).does("Page Viewed", path="/plans").waits("PT10M")
        assert small.got == ["product-page-small"], "also where no script says that they have left"
        assert small.waits("P21D").got == ["product-page-small", "product-page-business", "product-page-later"]
        assert small.ended == ["the time is over"]


def test_c85_the_length_of_a_nurture_is_one_setting_that_rescales_its_steps() -> None:
    for length, third in (("P21D", 7 * DAY), ("P6W", 14 * DAY), ("P1D", 8 * HOUR)):
        walks = Walks("product-page", page="/plans", length=length)
        person = walks.live(company_size=400).does("Page Viewed", path="/plans").does("Page Left", path="/plans")
        person.waits("P60D")
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
        assert (cold.got, cold.ended) == (["handoff-nurture"], ["nurtured on"])
        assert warm().completes("no_answer").got == ["handoff-missed"]
        assert warm().completes("wrong_number").got == ["handoff-missed"]
        assert warm().completes("call_back").waits("P15D").ended == ["left to sales"]

        forgotten = warm().waits("P1D")
        assert [task.assignee for task in forgotten.tasks] == ["rui@example.com", "lead@example.com"]
        assert forgotten.does("Deal Opened").ended == ["goal"]
        assert walks.live().does("Page Viewed").waits("P5D").tasks == []


def test_c104_content_customers_recommend_and_are_thanked_when_somebody_comes_through_them() -> None:
    with every_path("advocate") as walks:

        def regular():
            return walks.live().does("Order Completed").does("Order Completed").does("Order Completed")

        thanked = regular().does("Referral Sent").waits("P30D").does("Referral Converted")
        assert (thanked.got, thanked.ended) == (["advocate-ask", "advocate-thanks"], ["somebody came through them"])
        unlucky = regular().waits("P8D").does("Referral Sent").waits("P91D")
        assert (unlucky.got, unlucky.ended) == (["advocate-ask", "advocate-remind"], ["nobody came through them"])
        assert regular().waits("P30D").ended == ["did not recommend"]
        assert walks.live().does("Order Completed").does("Order Completed").got == []


def test_c104_customers_at_the_limit_of_their_plan_are_offered_the_next() -> None:
    with every_path("upgrade") as walks:
        looks = walks.live().does("Limit Reached", limit="10 projects").clicks("upgrade-offer").waits("P10D")
        assert (looks.got, looks.ended) == (["upgrade-offer", "upgrade-question"], ["stays with the plan"])
        assert walks.live().does("Limit Reached").waits("P5D").got == ["upgrade-offer", "upgrade-remind"]
        assert walks.live().does("Limit Reached").does("Plan Upgraded").waits("P9D").got == ["upgrade-offer"]


def test_silent_readers_are_asked_once_and_then_left_in_peace() -> None:
    with every_path("silent") as walks:
        for answers, ended in ((True, "still wants our mails"), (False, "marked as silent")):
            reader = walks.live()
            for number in range(6):
                reader.does("Message Sent", message_id=f"old-{number}", channel="email")
            assert reader.got == ["silent-ask"]
            if answers:
                reader.clicks("silent-ask")
            assert reader.waits("P20D").ended == [ended]
            assert bool(reader.find_value("silent")) is not answers


def test_newcomers_who_watch_the_film_get_the_coupon() -> None:
    with every_path("film") as walks:
        watches = walks.live().does("Newsletter Joined").does("Video Playback Completed").waits("P20D")
        assert (watches.got, watches.ended) == (["film-film", "film-coupon"], ["did not order"])
        late = walks.live().does("Newsletter Joined").waits("P4D").does("Video Playback Completed")
        assert late.does("Order Completed").got == ["film-film", "film-again", "film-coupon"]
        assert walks.live().does("Newsletter Joined").waits("P20D").ended == ["did not watch the film"]
