"""Marts count what a slow and obvious reading of random small histories counts.

The reference starts from the histories as they were made up, shares no code with the project, and
never looks at an intermediate table. Intervals, p-values and q-values are held against published
answers too.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from export_rows import (
    PROPERTY_ZONE,
    SHARD,
    Row,
    change_tables,
    copy_tables,
    hit,
    local_micros,
    write_export,
)
from project_run import PROJECT, Warehouse, shared_warehouse
from published_examples import BENJAMINI_HOCHBERG_1995

FIRST_DAY = date(2025, 5, 7)  # a Wednesday, so that the days lie in two weeks
DAY_COUNT = 9
LAST_DAY = FIRST_DAY + timedelta(days=DAY_COUNT - 1)
AS_OF = local_micros(LAST_DAY + timedelta(days=1))
DEVICE_COUNT = 265
MINIMUM_GROUP = 30
LARGEST_SEGMENTS = 25
Z = 1.959963984540054

# Events that the shipped rules take for a conversion by their name alone.
CONVERSION_OF_EVENT = {
    "view_search_results": "search",
    "view_item": "view_item",
    "add_to_cart": "add_to_cart",
    "begin_checkout": "begin_checkout",
    "newsletter_signup": "newsletter_signup",
    "sign_up": "sign_up",
    "purchase": "purchase",
}
STAGES = ("awareness", "interest", "consideration", "intent", "conversion")
SOURCES = [
    ("google", "organic", "Organic Search"),
    ("google", "cpc", "Paid Search"),
    ("(direct)", "(none)", "Direct"),
    ("newsletter", "email", "Email"),
    (None, None, "Unassigned"),
]
DEVICES = ("desktop", "mobile", "tablet", None)
COUNTRIES = ("Brazil", "Canada", "Germany", None)
REGIONS = ("East", "West", None)
PAGES = [f"/page-{number:02d}" for number in range(40)]

Segment = tuple[str, str]
Period = tuple[str, date | None]


# ---- histories -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hit:
    """One event as it was meant; `value` is the price of a cart or an order."""

    micros: int
    name: str
    value: float | None = None
    transaction_id: str | None = None

    @property
    def day(self) -> date:
        return datetime.fromtimestamp(self.micros / 1_000_000, PROPERTY_ZONE).date()


@dataclass
class Visit:
    """The hits of one session; `number` is None outside sessions, `device` without consent."""

    device: str | None
    number: int | None
    user_id: str | None
    is_internal: bool
    category: str | None
    country: str | None
    region: str | None
    source: tuple[str | None, str | None, str]
    page: str
    hits: list[Hit] = field(default_factory=list)

    @property
    def key(self) -> tuple[str | None, int | None]:
        return (self.device, self.number)

    @property
    def start(self) -> int:
        return min(event.micros for event in self.hits)

    @property
    def day(self) -> date:
        return min(event.day for event in self.hits)


def random_visits(chance: random.Random) -> list[Visit]:
    """Sessions, some across midnight, some of users on two devices; hits outside any session."""
    visits: list[Visit] = []
    for number in range(DEVICE_COUNT):
        user_id = f"user-{number // 2}" if chance.random() < 0.25 else None
        country = chance.choice(COUNTRIES)
        region = None if country is None else chance.choice(REGIONS)
        category = chance.choice(DEVICES)
        for session in range(1, chance.choice((1, 1, 2, 3, 4)) + 1):
            day = FIRST_DAY + timedelta(days=chance.randrange(DAY_COUNT))
            is_night = chance.random() < 0.05 and day < LAST_DAY
            seconds = 86_300 if is_night else chance.randrange(1_000, 80_000)
            visit = Visit(
                device=f"device-{number}",
                number=session,
                user_id=user_id if chance.random() < 0.6 else None,
                is_internal=chance.random() < 0.03,
                category=category,
                country=country,
                region=region,
                source=chance.choice(SOURCES),
                page=chance.choice(PAGES[: chance.choice((5, 40))]),
            )
            visit.hits = random_hits(chance, local_micros(day, seconds), visit)
            visits.append(visit)
    for number in range(60):
        device = f"device-{number}" if number % 2 else None
        day = FIRST_DAY + timedelta(days=chance.randrange(DAY_COUNT))
        outside = Visit(device, None, None, False, None, None, None, SOURCES[-1], PAGES[0])
        name = chance.choice(sorted(CONVERSION_OF_EVENT))
        order = f"outside-{number % 7}" if name == "purchase" else None
        outside.hits = [Hit(local_micros(day, 500 + number), name, 5.0 if order else None, order)]
        visits.append(outside)
    return visits


def random_hits(chance: random.Random, start: int, visit: Visit) -> list[Hit]:
    """A page view, then what a shopper may do; mobile visitors buy less, so that there are gaps."""
    hits = [Hit(start, "page_view")]
    names = ["page_view", *CONVERSION_OF_EVENT]
    eagerness = 0.35 if visit.category == "mobile" else 1.0
    weights = [6, 2, 4, 2 * eagerness, eagerness, 0.5, 0.3, eagerness]
    micros = start
    for _ in range(chance.randrange(7)):
        micros += chance.randrange(1, 90_000_000)
        name = chance.choices(names, weights)[0]
        value = order = None
        if name in ("add_to_cart", "purchase"):
            value = chance.randrange(100, 20_000) / 100
        if name == "purchase" and chance.random() < 0.8:
            order = f"{visit.user_id or visit.device}-{chance.randrange(3)}"
        hits.append(Hit(micros, name, value, order))
    return hits


def raw_rows(visits: list[Visit]) -> list[Row]:
    rows = []
    for visit in visits:
        for position, event in enumerate(visit.hits):
            params: Row = {} if event.value is None else {"value": event.value, "currency": "USD"}
            if visit.is_internal and position == 0:
                params["traffic_type"] = "internal"
            row = hit(
                event.day,
                0,
                event.name,
                visitor=visit.device,
                session=visit.number,
                number=visit.number,
                page=visit.page,
                params=params,
                user_id=visit.user_id,
                device={"category": visit.category},
                geo={"country": visit.country, "region": visit.region},
                traffic_source={"source": "first", "medium": "touch"},
            )
            source, medium, _ = visit.source
            if source is not None and position == 0:
                row["collected_traffic_source"] = {"manual_source": source, "manual_medium": medium}
            if event.name == "purchase":
                row["ecommerce"] = {
                    "transaction_id": event.transaction_id,
                    "purchase_revenue_in_usd": event.value,
                }
            rows.append(row | {"event_timestamp": event.micros})
    return rows


# ---- the reference: visitors, conversions, segments ----------------------------------------------


@dataclass(frozen=True)
class Conversion:
    """A counted conversion."""

    name: str
    visitor: str | None
    visit: Visit
    event: Hit


@dataclass
class World:
    """The histories, with what the catalog says of conversions."""

    visits: list[Visit]
    catalog: dict[str, dict[str, Any]]

    def __post_init__(self) -> None:
        self.users: dict[str | None, set[str]] = defaultdict(set)
        for visit in self.visits:
            if visit.device and visit.user_id:
                self.users[visit.device].add(visit.user_id)
        self.conversions = self._counted()
        self.segments = self._segments()

    @property
    def sessions(self) -> list[Visit]:
        return [visit for visit in self.visits if visit.number is not None]

    @property
    def shown_sessions(self) -> list[Visit]:
        return [visit for visit in self.sessions if not visit.is_internal]

    def visitor(self, visit: Visit) -> str | None:
        """The user where one is known of the session or, alone, of the device; else the device."""
        users = {visit.user_id} if visit.user_id else self.users[visit.device]
        if visit.device is not None and len(users) == 1:
            (user,) = users
            return hashlib.sha256(str(user).encode()).hexdigest()[:32]
        return visit.device

    def _counted(self) -> list[Conversion]:
        """Each conversion as often as its catalog row says; an order once a visitor."""
        seen: set[tuple[Any, ...]] = set()
        counted = []
        events = [(event, visit) for visit in self.visits for event in visit.hits]
        for event, visit in sorted(events, key=lambda pair: pair[0].micros):
            name = CONVERSION_OF_EVENT.get(event.name)
            if name is None:
                continue
            visitor = self.visitor(visit)
            counting = self.catalog[name]["counting"]
            keys: list[tuple[Any, ...]] = []
            if counting == "once_per_session" and visit.number is not None:
                keys.append((name, "session", visit.key))
            if counting == "once_per_visitor" and visitor is not None:
                keys.append((name, "visitor", visitor))
            if event.transaction_id is not None:
                keys.append((name, "order", visitor, event.transaction_id))
            if not any(key in seen for key in keys):
                counted.append(Conversion(name, visitor, visit, event))
            seen.update(keys)
        return counted

    @property
    def shown_conversions(self) -> list[Conversion]:
        return [c for c in self.conversions if not (c.visit.is_internal and c.visit.number)]

    def _segments(self) -> dict[tuple[str | None, int | None], dict[str, str]]:
        """The dimensions of each shown session; whatever is not among the largest is (other)."""
        plain: dict[tuple[str | None, int | None], dict[str, str]] = {}
        for visit in self.shown_sessions:
            plain[visit.key] = {
                "device_category": visit.category or "(unknown)",
                "visitor_type": "new" if visit.number == 1 else "returning",
                "channel_group": visit.source[2],
                "session_source": visit.source[0] or "(unknown)",
                "country": visit.country or "(unknown)",
                "region": visit.region or "(unknown)",
                "landing_page_path": visit.page,
            }
        for dimension in next(iter(plain.values())):
            sizes = Counter(values[dimension] for values in plain.values())
            ranked = sorted(sizes, key=lambda value: (-sizes[value], value))
            for values in plain.values():
                if values[dimension] not in ranked[:LARGEST_SEGMENTS]:
                    values[dimension] = "(other)"
        return plain

    def segments_of(self, visit: Visit) -> Iterator[tuple[Period, Segment]]:
        """Every period and segment that a session counts in."""
        values = self.segments[visit.key]
        single: list[Segment] = [("all", "all"), *values.items()]
        pairs = [
            (f"{first} x {second}", f"{values[first]} x {values[second]}")
            for first, second in itertools.combinations(sorted(values), 2)
        ]
        yield from ((("all", None), segment) for segment in [*single, *pairs])
        monday = visit.day - timedelta(days=visit.day.weekday())
        yield from ((("week", monday), segment) for segment in single)
        for segment in single:
            if segment[0] not in ("session_source", "region"):
                yield ("day", visit.day), segment


def wilson(successes: int, trials: int) -> tuple[float, float]:
    rate = successes / trials
    centre = rate + Z * Z / (2 * trials)
    spread = Z * math.sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials))
    scale = 1 + Z * Z / trials
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """q-values in the order of the p-values."""
    count = len(p_values)
    ordered = sorted(p_values)
    return [
        min(
            1.0,
            *(count * ordered[rank] / (rank + 1) for rank in range(count) if ordered[rank] >= p),
        )
        for p in p_values
    ]


# ---- the build -----------------------------------------------------------------------------------

FORMULAS = (
    "select {{ wilson_low('x', 'n') }} as low, {{ wilson_high('x', 'n') }} as high,"
    " {{ normal_p_value('z') }} as p_value from given"
)


# Lead scores from … to, and the percent who order within two weeks, with its limits.
BANDS = ((0, 5, (1.5, 1.0, 2.2)), (5, 20, (6.0, 4.5, 8.0)), (20, None, (21.0, 15.0, 28.5)))


def lists_with_bands(folder: Path) -> Path:
    """The project's lists, and a learned score's bands, which it ships without."""
    folder.mkdir()
    for seed in (PROJECT / "seeds").glob("*.csv"):
        shutil.copy(seed, folder)
    with (folder / "lead_score_bands.csv").open("a", encoding="utf-8") as bands:
        for low, high, percents in BANDS:
            cells = ["purchase", 14, low, "" if high is None else high, *percents, 400]
            bands.write(",".join([*map(str, cells), "2026-01-01"]) + "\n")
    return folder


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The build, and beside it the project's formulas, compiled."""

    def build(new: Warehouse) -> None:
        rows = raw_rows(random_visits(random.Random(1998)))
        write_export(new.export, rows, days=sorted({row[SHARD] for row in rows}))
        new.seeds = lists_with_bands(new.root / "seeds")
        marts = ("segment_conversions", "segment_gaps", "lead_scores", "daily_rates")
        new.build("-s", *(f"+mart_{mart}" for mart in marts))
        output = new.dbt("--quiet", "compile", "--output", "json", "--inline", FORMULAS)
        (new.root / "formulas.txt").write_text(output.must_succeed().output)

    return shared_warehouse(tmp_path_factory, "marts_reference", build)


@pytest.fixture(scope="module")
def world(warehouse: Warehouse) -> World:
    catalog = {
        row["conversion_name"]: row for row in warehouse.records("select * from dim_conversions")
    }
    return World(random_visits(random.Random(1998)), catalog)


def close(left: float | None, right: float | None, tolerance: float = 1e-9) -> bool:
    if left is None or right is None:
        return left is right
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)


def keyed(
    warehouse: Warehouse, table: str, key: Callable[[dict[str, Any]], Any]
) -> dict[Any, dict[str, Any]]:
    """The rows of a table by a key, which must be unique."""
    rows = warehouse.records(f"select * from {table}")
    by_key = {key(row): row for row in rows}
    assert len(by_key) == len(rows), f"the key of {table} is not unique"
    return by_key


# ---- mart_segment_conversions --------------------------------------------------------------------

Counts = tuple[int, int, int, int]


def segment_counts(world: World) -> dict[tuple[Any, ...], Counts]:
    """Sessions, converting sessions, visitors, converting visitors of every row."""
    converting = {(c.visit.key, c.name) for c in world.conversions if c.visit.number is not None}
    members: dict[tuple[Period, Segment], list[Visit]] = defaultdict(list)
    for visit in world.shown_sessions:
        for place in world.segments_of(visit):
            members[place].append(visit)
    counts = {}
    for (period, segment), visits in members.items():
        visitors = len({world.visitor(visit) for visit in visits})
        for name in world.catalog:
            converted = [visit for visit in visits if (visit.key, name) in converting]
            counts[(name, *period, *segment)] = (
                len(visits),
                len(converted),
                visitors,
                len({world.visitor(visit) for visit in converted}),
            )
    return counts


def segment_rows(warehouse: Warehouse) -> dict[Any, dict[str, Any]]:
    return keyed(
        warehouse,
        "mart_segment_conversions",
        lambda row: (
            row["conversion_name"],
            row["period_grain"],
            row["period_start_date"],
            row["segment_dimension"],
            row["segment_value"],
        ),
    )


def test_segment_counts_equal_the_reference(warehouse: Warehouse, world: World) -> None:
    found = {
        key: (
            row["session_count"],
            row["converting_session_count"],
            row["visitor_count"],
            row["converting_visitor_count"],
        )
        for key, row in segment_rows(warehouse).items()
    }
    expected = segment_counts(world)
    assert {key: found.get(key) for key in expected if found.get(key) != expected[key]} == {}
    assert set(found) == set(expected)
    assert any(key[-1] == "(other)" for key in expected), (
        "the data must show that segments are merged"
    )


def test_segment_rates_have_wilson_intervals_and_a_minimum_group(
    warehouse: Warehouse, world: World
) -> None:
    rows = segment_rows(warehouse)
    shown = 0
    for key, (sessions, converting, visitors, converted_visitors) in segment_counts(world).items():
        row = rows[key]
        for unit, successes, trials in [
            ("session", converting, sessions),
            ("visitor", converted_visitors, visitors),
        ]:
            name = f"{unit}_conversion_rate"
            rate, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
            if trials < MINIMUM_GROUP:
                assert (rate, low, high) == (None, None, None), key
                continue
            shown += 1
            limits = wilson(successes, trials)
            assert close(rate, successes / trials) and close(low, limits[0]), key
            assert close(high, limits[1]), key
            assert 0 <= low <= rate <= high <= 1, key
        assert row["is_below_minimum"] == (sessions < MINIMUM_GROUP)
    assert shown > 1_000


# ---- mart_segment_gaps ---------------------------------------------------------------------------


@dataclass
class Gap:
    """A segment against the rest of the sessions."""

    z_score: float | None
    p_value: float | None
    is_testable: bool
    q_value: float | None = None


def expected_gaps(world: World) -> dict[tuple[str, str, str], Gap]:
    counts = segment_counts(world)
    gaps: dict[str, dict[tuple[str, str, str], Gap]] = defaultdict(dict)
    for (name, grain, _, dimension, value), (sessions, converting, *_) in counts.items():
        total, total_converting, *_ = counts[(name, "all", None, "all", "all")]
        rest = total - sessions
        if grain != "all" or dimension == "all" or "(other)" in value:
            continue
        if min(sessions, rest) < MINIMUM_GROUP:
            continue
        overall = total_converting / total
        spread = math.sqrt(overall * (1 - overall) * (1 / sessions + 1 / rest))
        difference = converting / sessions - (total_converting - converting) / rest
        z_score = difference / spread if spread else None
        p_value = None if z_score is None else math.erfc(abs(z_score) / math.sqrt(2))
        smaller = min(sessions, rest)
        is_testable = overall * smaller >= 5 and (1 - overall) * smaller >= 5
        gaps[name][(name, dimension, value)] = Gap(z_score, p_value, is_testable)
    for family in gaps.values():
        tested = [gap for gap in family.values() if gap.is_testable]
        q_values = benjamini_hochberg([gap.p_value or 0.0 for gap in tested])
        for gap, q_value in zip(tested, q_values, strict=True):
            gap.q_value = q_value
    return {key: gap for family in gaps.values() for key, gap in family.items()}


def test_segment_gaps_equal_the_reference(warehouse: Warehouse, world: World) -> None:
    found = keyed(
        warehouse,
        "mart_segment_gaps",
        lambda row: (row["conversion_name"], row["segment_dimension"], row["segment_value"]),
    )
    expected = expected_gaps(world)
    assert set(found) == set(expected)
    verdicts = Counter(row["verdict"] for row in found.values())
    assert (
        verdicts["higher"]
        and verdicts["lower"]
        and verdicts["no gap shown"]
        and verdicts["too few"]
    )
    for key, gap in expected.items():
        row = found[key]
        assert close(row["z_score"], gap.z_score), key
        assert close(row["p_value"], gap.p_value, 2e-7), key
        assert close(row["q_value"], gap.q_value, 1e-4), key
        shown = gap.q_value is not None and gap.q_value < 0.05
        direction = "higher" if (gap.z_score or 0) > 0 else "lower"
        verdict = direction if shown else "no gap shown" if gap.is_testable else "too few"
        assert row["verdict"] == verdict, key


def test_false_discoveries_are_controlled_as_published(warehouse: Warehouse) -> None:
    """The step of the model that adjusts p-values, on those of Benjamini and Hochberg 1995."""
    (path,) = (warehouse.root / "target" / "compiled").rglob("mart_segment_gaps.sql")
    compiled = path.read_text()
    step = compiled[compiled.index("ranked as (") : compiled.index("mart_segment_gaps as (")]
    values = ", ".join(
        f"('purchase', 'country', '{number:02d}', true, {p_value})"
        for number, p_value in enumerate(BENJAMINI_HOCHBERG_1995)
    )
    columns = "conversion_name, segment_dimension, segment_value, is_testable, p_value"
    found = warehouse.rows(
        f"with judged as (select * from (values {values}) as given ({columns})), "
        f"{step.rstrip().rstrip(',')} select q_value from adjusted order by segment_value"
    )
    q_values = [q_value for (q_value,) in found]
    assert sum(q_value < 0.05 for q_value in q_values) == 4
    expected = benjamini_hochberg(BENJAMINI_HOCHBERG_1995)
    assert all(close(left, right) for left, right in zip(q_values, expected, strict=True))


# ---- the formulas themselves ---------------------------------------------------------------------

NEWCOMBE_1998 = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.fixture(scope="module")
def formulas(warehouse: Warehouse) -> str:
    """A query of the project's formulas over columns x, n and z, compiled."""
    output = (warehouse.root / "formulas.txt").read_text()
    compiled = json.loads(output[output.index("{") : output.rindex("}") + 1])
    return str(compiled["compiled"])


def evaluated(warehouse: Warehouse, formulas: str, given: list[tuple[Any, ...]]) -> list[Any]:
    values = ", ".join(f"({x}, {n}, cast({z} as double))" for x, n, z in given)
    return warehouse.rows(
        f"with given as (select * from (values {values}) as t (x, n, z)) {formulas}"
    )


def test_wilson_limits_are_those_of_newcombe(warehouse: Warehouse, formulas: str) -> None:
    found = evaluated(warehouse, formulas, [(x, n, 0) for x, n, _, _ in NEWCOMBE_1998])
    rounded = [(round(low, 4), round(high, 4)) for low, high, _ in found]
    assert rounded == [(low, high) for _, _, low, high in NEWCOMBE_1998]


def test_wilson_limits_stay_within_0_and_1_and_need_a_base(
    warehouse: Warehouse, formulas: str
) -> None:
    given = [(x, n, 0) for n in (1, 2, 7, 1_000, 10_000_000) for x in (0, n // 2, n)]
    for (x, n, _), (low, high, _) in zip(given, evaluated(warehouse, formulas, given), strict=True):
        assert 0 <= low <= x / n <= high <= 1, (x, n)
        assert close(low, wilson(x, n)[0], 1e-12) and close(high, wilson(x, n)[1], 1e-12)
    ((low, high, _),) = evaluated(warehouse, formulas, [(0, 0, 0)])
    assert (low, high) == (None, None)


def test_p_values_are_those_of_the_normal_distribution(warehouse: Warehouse, formulas: str) -> None:
    scores = [number / 20 for number in range(-160, 161)]
    found = evaluated(warehouse, formulas, [(0, 1, score) for score in scores])
    for score, (_, _, p_value) in zip(scores, found, strict=True):
        assert abs(p_value - math.erfc(abs(score) / math.sqrt(2))) < 2e-7, score
        assert 0 <= p_value <= 1


# ---- mart_lead_scores ----------------------------------------------------------------------------


def expected_scores(world: World) -> dict[str, tuple[float, str]]:
    """Score and reasons by visitor: points halve with every half-life, capped per conversion."""
    raw: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for visitor in expected_visitors(world):
        raw[visitor].clear()
    for conversion in world.shown_conversions:
        row = world.catalog[conversion.name]
        if conversion.visitor is None or row["lead_points"] <= 0:
            continue
        age_days = max(AS_OF - conversion.event.micros, 0) / 86_400_000_000
        points = row["lead_points"] * 0.5 ** (age_days / row["half_life_days"])
        raw[conversion.visitor][conversion.name].append(round(points, 6))
    return {visitor: score_and_reasons(world, points) for visitor, points in raw.items()}


def score_and_reasons(world: World, points: dict[str, list[float]]) -> tuple[float, str]:
    capped = {}
    for name, parts in points.items():
        cap = world.catalog[name]["points_cap"]
        capped[name] = min(sum(parts), math.inf if cap is None else cap)
    best = sorted(capped, key=lambda name: (-round(capped[name], 6), name))[:3]
    reasons = []
    for name in best:
        times = f" x{len(points[name])}" if len(points[name]) > 1 else ""
        tenths = math.floor(round(capped[name], 6) * 10) / 10
        reasons.append(f"{world.catalog[name]['label']}{times} ({tenths:.1f} points)")
    return sum(capped.values()), "; ".join(reasons) or "nothing that scores"


def test_lead_scores_decay_are_capped_and_say_why(warehouse: Warehouse, world: World) -> None:
    found = keyed(warehouse, "mart_lead_scores", lambda row: row["visitor_id"])
    everyone = expected_visitors(world)
    shown = {visitor for visitor, person in everyone.items() if not person["is_excluded"]}
    assert set(found) == shown
    expected = {v: score for v, score in expected_scores(world).items() if v in shown}
    for visitor, (score, reasons) in expected.items():
        assert close(found[visitor]["lead_score"], score, 1e-6), visitor
        assert found[visitor]["top_reasons"] == reasons, visitor
        assert found[visitor]["funnel_stage"] == everyone[visitor]["funnel_stage"], visitor
    caps = [row["points_cap"] for row in world.catalog.values() if row["points_cap"]]
    assert caps
    assert max(score for score, _ in expected.values()) > 30


def test_the_probability_is_that_of_the_score_for_those_it_was_learned_from(
    warehouse: Warehouse, world: World
) -> None:
    """Who ordered before has none."""
    found = keyed(warehouse, "mart_lead_scores", lambda row: row["visitor_id"])
    buyers = {one.visitor for one in world.shown_conversions if one.name == "purchase"}
    shown = Counter[float | None]()
    for visitor, row in found.items():
        expected: tuple[float | None, ...] = (None, None, None)
        if visitor not in buyers:
            [expected] = (
                tuple(percent / 100 for percent in percents)
                for low, high, percents in BANDS
                if low <= row["lead_score"] and (high is None or row["lead_score"] < high)
            )
        names = ("probability", "probability_low", "probability_high")
        assert tuple(row[name] for name in names) == expected, (visitor, row["lead_score"])
        shown[expected[0]] += 1
    assert set(shown) == {None, 0.015, 0.06, 0.21}


def test_who_was_not_seen_for_thirty_days_has_no_probability(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    copy = Warehouse(tmp_path)
    copy_tables(warehouse.path, copy.path)
    # The last loaded day ends four hours into a UTC day.
    end = f"timestamp '{LAST_DAY + timedelta(days=1)} 04:00:00'"
    with_one = "select min(visitor_id) from mart_lead_scores where probability is not null"
    change_tables(
        copy.path,
        f"update dim_visitors set last_seen_at = {end} - interval 30 day"
        f" - interval 1 second * (case when visitor_id = ({with_one}) then 1 else 0 end)",
    )
    copy.build("-s", "mart_lead_scores")
    gone = "select visitor_id from mart_lead_scores where probability is null"
    before, after = ({row[0] for row in one.rows(gone)} for one in (warehouse, copy))
    assert before < after and len(after - before) == 1


def test_some_score_is_held_by_its_cap(world: World) -> None:
    """The data must be able to show that caps hold."""
    uncapped: dict[tuple[str, str], float] = defaultdict(float)
    for conversion in world.shown_conversions:
        row = world.catalog[conversion.name]
        if conversion.visitor is not None:
            age_days = (AS_OF - conversion.event.micros) / 86_400_000_000
            points = row["lead_points"] * 0.5 ** (age_days / row["half_life_days"])
            uncapped[(conversion.visitor, conversion.name)] += points
    caps = {name: row["points_cap"] for name, row in world.catalog.items()}
    assert any(caps[name] and points > caps[name] for (_, name), points in uncapped.items())


def test_deciles_rank_the_scores_and_equal_scores_share_one(
    warehouse: Warehouse, world: World
) -> None:
    found = warehouse.rows("select lead_score, score_decile from mart_lead_scores")
    scores = [score for score, _ in found]
    for score, decile in found:
        percent_rank = sum(other < score for other in scores) / (len(scores) - 1)
        assert decile == min(math.floor(percent_rank * 10) + 1, 10)
    assert {decile for _, decile in found} >= {1, 9, 10}
    assert len(scores) % 10 != 1, "with so many, other ways to cut give the same tenths"


# ---- dim_visitors --------------------------------------------------------------------------------


def expected_visitors(world: World) -> dict[str, dict[str, Any]]:
    """Every visitor with a session or a conversion."""
    sessions: dict[str, list[Visit]] = defaultdict(list)
    conversions: dict[str, list[Conversion]] = defaultdict(list)
    for visit in world.sessions:
        sessions[str(world.visitor(visit))].append(visit)
    for conversion in world.conversions:
        if conversion.visitor is not None:
            conversions[conversion.visitor].append(conversion)
    return {
        visitor: expected_visitor(world, sessions[visitor], conversions[visitor])
        for visitor in set(sessions) | set(conversions)
    }


def expected_visitor(
    world: World, visits: list[Visit], conversions: list[Conversion]
) -> dict[str, Any]:
    moments = [event.micros for visit in visits for event in visit.hits]
    converted = [conversion.event.micros for conversion in conversions]
    kinds = Counter(world.catalog[c.name]["conversion_type"] for c in conversions)
    revenue = sum(c.event.value or 0 for c in conversions if c.name == "purchase")
    stages = [STAGES.index(world.catalog[c.name]["funnel_stage"]) for c in conversions]
    return {
        "first_seen_at": min(moments or converted),
        "last_seen_at": max(moments + converted),
        "session_count": len(visits),
        "device_count": len({visit.device for visit in visits}),
        "micro_conversion_count": kinds["micro"],
        "macro_conversion_count": kinds["macro"],
        "revenue_usd": round(revenue, 6),
        "funnel_stage": STAGES[max(stages, default=0)],
        "first_touch_source": "first" if visits else None,
        "is_excluded": bool(visits) and all(visit.is_internal for visit in visits),
    }


def test_visitors_equal_the_reference(warehouse: Warehouse, world: World) -> None:
    found = keyed(warehouse, "dim_visitors", lambda row: row["visitor_id"])
    expected = expected_visitors(world)
    assert set(found) == set(expected)
    assert any(person["device_count"] > 1 for person in expected.values())
    for visitor, person in expected.items():
        row = found[visitor]
        for moment in ("first_seen_at", "last_seen_at"):
            seconds = (row[moment] - datetime(1970, 1, 1)) / timedelta(microseconds=1)
            assert seconds == person[moment], (visitor, moment)
        assert close(row["revenue_usd"], person["revenue_usd"]), visitor
        for name in set(person) - {"first_seen_at", "last_seen_at", "revenue_usd"}:
            assert row[name] == person[name], (visitor, name)


# ---- mart_daily_conversions ----------------------------------------------------------------------

DAILY_DIMENSIONS = ("device_category", "channel_group", "visitor_type")


def daily_segments(world: World, visit: Visit) -> list[Segment]:
    values = world.segments.get(visit.key, {}) if visit.number is not None else {}
    return [
        ("all", "all"),
        *((dimension, values.get(dimension, "(unknown)")) for dimension in DAILY_DIMENSIONS),
    ]


def expected_days(world: World) -> dict[tuple[Any, ...], dict[str, float]]:
    """Counts by day, conversion and segment, with zeros on days and segments without any."""
    sessions: dict[tuple[date, Segment], list[Visit]] = defaultdict(list)
    occurrences: dict[tuple[str, date, Segment], list[Conversion]] = defaultdict(list)
    for day in {event.day for visit in world.visits for event in visit.hits}:
        sessions[(day, ("all", "all"))] = []
    for visit in world.shown_sessions:
        for segment in daily_segments(world, visit):
            sessions[(visit.day, segment)].append(visit)
    for conversion in world.shown_conversions:
        for segment in daily_segments(world, conversion.visit):
            occurrences[(conversion.name, conversion.event.day, segment)].append(conversion)
    keys = {(name, *place) for name in world.catalog for place in sessions} | set(occurrences)
    return {
        (name, day, *segment): daily_row(
            world, occurrences[(name, day, segment)], sessions[(day, segment)]
        )
        for name, day, segment in keys
    }


def daily_row(world: World, conversions: list[Conversion], visits: list[Visit]) -> dict[str, float]:
    in_sessions = {c.visit.key for c in conversions if c.visit.number is not None}
    worth = [c.event.value or 0 for c in conversions]
    is_paid = any(c.name == "purchase" for c in conversions)
    return {
        "conversion_count": len(conversions),
        "consentless_conversion_count": sum(c.visitor is None for c in conversions),
        "converting_session_count": len(in_sessions),
        "session_count": len(visits),
        "converting_visitor_count": len({c.visitor for c in conversions} - {None}),
        "visitor_count": len({world.visitor(visit) for visit in visits}),
        "value_usd": sum(worth),
        "revenue_usd": sum(worth) if is_paid else 0,
        "net_revenue_usd": sum(worth) if is_paid else 0,
    }


def test_daily_conversions_equal_the_reference(warehouse: Warehouse, world: World) -> None:
    found = keyed(
        warehouse,
        "mart_daily_conversions",
        lambda row: (
            row["conversion_name"],
            row["conversion_date"],
            row["segment_dimension"],
            row["segment_value"],
        ),
    )
    expected = expected_days(world)
    assert set(found) == set(expected)
    for key, counts in expected.items():
        assert {name: found[key][name] for name in counts} == pytest.approx(counts), key
    assert any(counts["consentless_conversion_count"] for counts in expected.values())


# ---- mart_daily_rates ----------------------------------------------------------------------------


def expected_rates(world: World) -> dict[tuple[Any, ...], list[int]]:
    """By day, conversion, device and channel: sessions that converted, sessions that began."""
    began: Counter[tuple[Any, ...]] = Counter()
    converted: dict[tuple[Any, ...], set[Any]] = defaultdict(set)
    for visit in world.shown_sessions:
        began[visit.day, *device_and_channel(world, visit)] += 1
    for one in world.shown_conversions:
        if one.visit.number is not None:
            place = (one.event.day, *device_and_channel(world, one.visit))
            converted[one.name, *place].add(one.visit.key)
    keys = {(name, *place) for name in world.catalog for place in began} | set(converted)
    return {key: [len(converted[key]), began[key[1:]]] for key in keys}


def device_and_channel(world: World, visit: Visit) -> tuple[str, str]:
    values = world.segments[visit.key]
    return values["device_category"], values["channel_group"]


def test_daily_rates_equal_the_reference(warehouse: Warehouse, world: World) -> None:
    found = {
        row[:4]: list(row[4:])
        for row in warehouse.rows(
            """select conversion_name, conversion_date, device_category, channel_group,
            converting_session_count, session_count from mart_daily_rates"""
        )
    }
    expected = expected_rates(world)
    assert found == expected
    # Some sessions convert after midnight, on a day on which they did not begin.
    assert any(
        one.event.day != one.visit.day for one in world.shown_conversions if one.visit.number
    )
    assert len({key[2:] for key in expected}) > 10


def test_days_that_say_nothing_of_visitors_are_not_usable(warehouse: Warehouse) -> None:
    unusable = set(
        warehouse.rows(
            "select distinct conversion_name, conversion_date from mart_daily_rates"
            " where not is_usable"
        )
    )
    wanted = set(
        warehouse.rows(
            """select conversion_name, conversion_date from mart_daily_conversions
            where segment_dimension = 'all' and (not is_final or is_ramp_up)
            union select conversion_name, conversion_date from mart_conversion_silences
            where is_outage"""
        )
    )
    days = {
        row[0] for row in warehouse.rows("select distinct conversion_date from mart_daily_rates")
    }
    assert unusable == {row for row in wanted if row[1] in days}
    assert not warehouse.value("select count(*) from mart_daily_rates where is_holiday")


@pytest.mark.parametrize("change", ["", "session_count = session_count + 1"])
def test_daily_rates_add_up_to_the_daily_mart(
    warehouse: Warehouse, tmp_path: Path, change: str
) -> None:
    """The data test of it, which must also see a session too many."""
    copy = Warehouse(tmp_path)
    copy_tables(warehouse.path, copy.path)
    if change:
        change_tables(copy.path, f"update mart_daily_rates set {change}")
    outcome = copy.dbt("test", "--select", "assert_daily_rates_add_up")
    assert outcome.exit_code == (1 if change else 0), outcome.output[-2000:]
