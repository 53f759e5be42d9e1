from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from mention_triage.v1.alert_pb2 import SpikeAlert, SpikeCause, SpikeEvent
from mention_triage.v1.spike_state_pb2 import EpisodeState
from services.router.spikes.episodes.episode import Episode, dump_episode, load_episode
from services.router.spikes.episodes.findings import Findings
from services.router.spikes.episodes.lifecycle import follow
from services.router.spikes.episodes.policy import EPISODES
from services.router.spikes.episodes.reading import BrandReading, SeriesReading
from tests.unit.router.spikes.episodes.builders import START, calm, event, items, mix, reading, series

MINUTE = 60
VIRAL = Findings(200, 180, top_posts=150)


def run(readings: Iterable[BrandReading], episode: Episode | None = None) -> tuple[Episode | None, list[SpikeAlert]]:
    alerts = []
    for each in readings:
        episode, more = follow(EPISODES, episode, each)
        alerts += more
    return episode, alerts


def told(alerts: Iterable[SpikeAlert]) -> list[tuple[str, int]]:
    """The events with their times, seconds after `START`."""
    return [
        (SpikeEvent.Name(alert.event).removeprefix("SPIKE_EVENT_").lower(), alert.at.seconds - START - 10)
        for alert in alerts
    ]


def rows(first: int, last: int) -> range:
    return range(first, last, 10)


def opened(findings: Findings | None = None, observed: float = 200) -> Episode:
    episode, _ = run([reading(0, series(observed=observed, started=True, since=START - 20), findings=findings)])
    assert episode
    return episode


def test_a_brand_that_only_rises_has_no_episode() -> None:
    assert run(reading(at, series(spiking=False)) for at in rows(0, 600)) == (None, [])


def test_an_episode_from_start_to_end() -> None:
    episode, alerts = run(
        [
            reading(0, series(started=True, since=START - 40), findings=VIRAL),
            *(reading(at, series()) for at in rows(10, 600)),
            *(reading(at, calm()) for at in rows(600, 3600)),
        ]
    )
    assert episode is None
    # Milder since 600 for ten minutes, and no longer rising since 590 for fifteen.
    assert told(alerts) == [("started", 0), ("eased", 1200), ("ended", 1490)]
    started, _, ended = alerts
    assert started.since.seconds == ended.since.seconds == START - 40
    assert (started.severity, ended.severity, ended.peak_severity) == (5, 1, 5)
    assert len({alert.alert_id for alert in alerts}) == 3
    assert {alert.episode_id for alert in alerts} == {started.episode_id}


def test_thirty_platforms_rising_together_are_one_alert() -> None:
    platforms = [f"p{i:02}" for i in range(30)]
    everything = [series(started=True), *(series(name, 20 + i, 2, started=True) for i, name in enumerate(platforms))]
    _, alerts = run(
        [
            reading(0, *everything),
            *(
                reading(at, series(started=True), *(series(name, started=True) for name in platforms))
                for at in (10, 20)
            ),
        ]
    )
    assert told(alerts) == [("started", 0)]
    assert [each.platform for each in alerts[0].series] == ["", *reversed(platforms)]
    assert alerts[0].series[0].observed_per_minute == 200
    assert alerts[0].series[0].expected_per_minute == 10


def test_series_that_join_later_are_named_and_those_that_calm_down_stay() -> None:
    _, alerts = run(
        [
            reading(0, calm(), calm("x"), series("facebook", 50, started=True)),
            reading(10, calm(), series("x", 100), calm("facebook")),
            *(reading(at, series(observed=2000), series("x", 1000), calm("facebook")) for at in rows(20, 90)),
        ]
    )
    assert told(alerts) == [("started", 0), ("escalated", 80)]
    assert [each.platform for each in alerts[0].series] == ["facebook"]
    assert [(each.platform, each.observed_per_minute) for each in alerts[1].series] == [
        ("", 2000), ("x", 1000), ("facebook", 10)]  # fmt: skip


def test_flapping_counts_give_one_start_and_one_end() -> None:
    flapping = [reading(at, series(started=at % 600 == 0) if at % 600 < 60 else calm()) for at in rows(0, 6 * 3600)]
    _, alerts = run([*flapping, *(reading(at, calm()) for at in rows(6 * 3600, 7 * 3600))])
    events = [what for what, _ in told(alerts)]
    assert events.count("started") == events.count("ended") == 1
    assert events[0] == "started"
    assert events[-1] == "ended"
    assert events.count("escalated") == 0  # no minute's burst holds for a minute more


def test_two_brands_have_two_episodes() -> None:
    _, one = run([reading(0, series(started=True))])
    _, other = run([reading(0, series(started=True), brand="Mercaviva")])
    assert one[0].episode_id != other[0].episode_id
    assert one[0].alert_id != other[0].alert_id


def test_worse_must_hold_for_a_minute() -> None:
    mild = opened(observed=40)
    _, alerts = run([reading(at, series() if at < 70 else series(observed=40)) for at in rows(10, 200)], mild)
    assert told(alerts) == []
    _, alerts = run([reading(at, series()) for at in rows(10, 200)], mild)
    assert told(alerts) == [("escalated", 70)]
    assert (mild.severity, alerts[0].severity, alerts[0].peak_severity) == (3, 5, 5)
    _, alerts = run([reading(at, series(observed=100)) for at in rows(10, 200)], mild)
    assert told(alerts) == []  # a point more is no step


def test_milder_must_hold_for_ten_minutes() -> None:
    _, alerts = run([reading(at, series(observed=15) if at % 600 else series()) for at in rows(10, 3000)], opened())
    assert told(alerts) == []
    _, alerts = run([reading(at, series(observed=15)) for at in rows(10, 3000)], opened())
    assert told(alerts) == [("eased", 610)]


def test_an_episode_is_over_when_its_last_minutes_are_ordinary_though_hours_still_stand_out() -> None:
    lasting = opened()
    _, alerts = run([reading(at, series(recent=60)) for at in rows(10, 1200)], lasting)
    assert told(alerts) == [("ended", 900)]
    assert alerts[0].severity == 1
    assert (alerts[0].series[0].observed_per_minute, alerts[0].series[0].expected_per_minute) == (12, 10)
    ended, _ = run([reading(at, series(recent=60)) for at in rows(10, 910)], lasting)
    _, alerts = run([reading(at, series(recent=100)) for at in rows(910, 1500)], ended)
    assert told(alerts) == []  # which chance may bring
    _, alerts = run([reading(at, series(recent=110)) for at in rows(910, 1500)], ended)
    assert told(alerts) == [("started", 910)]
    _, alerts = run([reading(at, series(recent=80)) for at in rows(10, 3600)], lasting)
    assert [what for what, _ in told(alerts)] == ["eased"]  # 1.5 times normal is no end


def test_a_rise_that_fades_is_milder_from_ten_minutes_on() -> None:
    fading = [reading(at, series(recent=150)) for at in rows(10, 1800)]
    _, alerts = run(fading, opened())
    assert told(alerts) == [("eased", 580 - 10 + 600)]
    assert alerts[0].series[0].observed_per_minute == 30


def test_the_minutes_before_a_rise_do_not_make_it_look_small() -> None:
    _, alerts = run([reading(0, series(started=True, recent=80))])
    assert alerts[0].severity == opened().severity
    assert alerts[0].series[0].observed_per_minute == 200


def test_what_rises_again_soon_is_the_same_episode_and_must_then_be_calm_twice_as_long() -> None:
    episode, alerts = run([reading(at, calm()) for at in rows(10, 910)], opened())
    assert told(alerts)[-1] == ("ended", 900)
    again = reading(1400, series())  # still one spike to the detector, which therefore starts no other
    episode, alerts = run([reading(1390, series(spiking=False)), again], episode)
    assert told(alerts) == [("started", 1400)]
    assert episode
    assert alerts[0].episode_id == episode.episode_id == opened().episode_id
    assert alerts[0].since.seconds == START - 20
    _, alerts = run([reading(at, calm()) for at in rows(1410, 1400 + 7200)], episode)
    assert [what for what in told(alerts) if what[0] == "ended"] == [("ended", 1400 + 1800)]


def test_what_starts_later_is_an_episode_of_its_own() -> None:
    episode, _ = run([reading(at, calm()) for at in rows(10, 910)], opened())
    assert episode
    assert not episode.is_open
    later, alerts = run([reading(1510, series(started=True))], episode)
    assert told(alerts) == [("started", 1510)]
    assert later
    assert later.episode_id != episode.episode_id
    assert run([reading(1510, series())], episode) == (None, [])


def test_an_episode_that_cannot_begin_again_is_given_up_before_the_next_row() -> None:
    """What is known since its rise began would else be told of an episode that starts on that row."""
    ended, _ = run([reading(at, calm()) for at in rows(10, 910)], opened())
    still, _ = run([reading(at, calm()) for at in rows(910, 1490)], ended)
    assert still == ended
    again, alerts = run([reading(1500, series())], run([reading(1490, calm())], still)[0])
    assert again
    assert told(alerts) == [("started", 1500)]
    assert run([reading(at, calm()) for at in rows(1490, 1510)], still) == (None, [])


def outage(first: int, last: int) -> list[BrandReading]:
    """Rows of which nothing is known: what the detector makes of them looks calm."""
    return [reading(at, calm(), known=False) for at in rows(first, last)]


def test_nothing_is_announced_while_nothing_is_known_and_calm_must_be_seen() -> None:
    before = [reading(at, series()) for at in rows(10, 300)]
    episode, alerts = run([*before, *outage(300, 7_500)], opened())
    assert alerts == []
    _, alerts = run([reading(at, calm()) for at in rows(7_500, 9_000)], episode)
    assert told(alerts) == [("eased", 7_500 + 600), ("ended", 7_500 + 890)]  # calm for ten and fifteen minutes since
    _, alerts = run([reading(at, series()) for at in rows(7_500, 9_000)], episode)
    assert alerts == []


def test_what_lasted_before_an_outage_goes_on_lasting_after_it() -> None:
    mild = opened(observed=40)
    worse = [reading(at, series()) for at in rows(10, 40)]
    _, alerts = run([*worse, *outage(40, 640), *(reading(at, series()) for at in rows(640, 700))], mild)
    assert told(alerts) == [("escalated", 70 + 600)]
    ended, _ = run([reading(at, calm()) for at in rows(10, 910)], opened())
    _, alerts = run([*outage(910, 4_500), reading(4_500, series())], ended)
    assert told(alerts) == [("started", 4_500)]


def test_what_never_comes_back_ends_its_episode_after_a_day() -> None:
    day = EPISODES.lifecycle.unknown_at_most
    episode, alerts = run([*outage(10, day), reading(day, series()), *outage(day + 10, 2 * day)], opened())
    assert alerts == []
    assert run(outage(2 * day, 2 * day + 20), episode)[1][0].event == SpikeEvent.SPIKE_EVENT_ENDED
    assert run(outage(2 * day, 2 * day + 30), episode)[0] is None
    assert run(outage(10, 20)) == (None, [])


def test_a_cause_that_becomes_clear_later_is_told_with_the_next_event() -> None:
    unclear = opened(Findings(200, 180))
    assert unclear.cause.cause == SpikeCause.SPIKE_CAUSE_UNKNOWN
    outage = Findings(400, 360, mix=mix(technical=0.8), normal_mix=mix())
    clear, alerts = run([reading(at, series(), findings=outage) for at in rows(10, 60)], unclear)
    assert alerts == []
    assert clear
    assert clear.cause.cause == SpikeCause.SPIKE_CAUSE_OUTAGE
    _, alerts = run([reading(at, calm()) for at in rows(60, 960)], clear)
    assert told(alerts)[-1][0] == "ended"
    assert alerts[-1].cause == SpikeCause.SPIKE_CAUSE_OUTAGE  # though by now nothing speaks for it
    assert [evidence.name for evidence in alerts[-1].evidence] == ["technical_share"]


def test_a_known_cause_is_replaced_by_what_holds_for_a_minute() -> None:
    press = Findings(200, 180, top_posts=150, author_tags=items(press=9))
    for seconds, cause in ((60, "VIRALITY"), (70, "PRESS")):
        episode, _ = run([reading(at, series(), findings=press) for at in rows(10, 10 + seconds)], opened(VIRAL))
        assert episode
        assert SpikeCause.Name(episode.cause.cause) == f"SPIKE_CAUSE_{cause}"


def test_an_alert_carries_what_is_planned() -> None:
    _, alerts = run([reading(0, series(started=True), planned=event())])
    assert alerts[0].planned == "Spring sale"
    assert alerts[0].cause == SpikeCause.SPIKE_CAUSE_CAMPAIGN


Script = list[tuple[int, SeriesReading, Findings, bool]]
ROWS = st.lists(
    st.tuples(
        st.integers(1, 90),  # rows until the next reading: those between are like it
        st.sampled_from([calm(), series(), series(observed=15), series(observed=400), series(started=True)]),
        st.sampled_from([Findings(), VIRAL, Findings(200, 1)]),
        st.sampled_from([True, True, False]),
    ),
    max_size=8,
)


def played(script: Script) -> list[BrandReading]:
    readings: list[BrandReading] = []
    for number, one, findings, known in script:
        first = len(readings)
        readings += [reading(10 * (first + i), one, findings=findings, known=known) for i in range(number)]
    return readings


@given(ROWS)
def test_events_come_in_order(script: Script) -> None:
    _, alerts = run(played(script))
    is_open, announced = False, 0
    for alert, (what, _) in zip(alerts, told(alerts), strict=True):
        assert is_open == (what != "started")
        if what == "escalated":
            assert alert.severity >= announced + 2
        if what == "eased":
            assert alert.severity <= announced - 2
        is_open, announced = what != "ended", alert.severity
    assert len({alert.alert_id for alert in alerts}) == len(alerts)


@given(ROWS)
def test_an_episode_out_of_a_snapshot_goes_on_identically(script: Script) -> None:
    kept, restored = None, None
    for each in played(script):
        kept, alerts = follow(EPISODES, kept, each)
        restored, again = follow(EPISODES, restored, each)
        assert alerts == again
        if restored:
            restored = load_episode(EpisodeState.FromString(dump_episode(restored).SerializeToString()))
        assert kept == restored
