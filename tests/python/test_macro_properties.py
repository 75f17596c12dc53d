"""What holds for any text and any number: parameters, keys of events, redaction, points of scores.

The project's macros are compiled as a build compiles them and run over thousands of random cases in
one query; a slow and obvious reading in Python says what must come out.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from microconv.profile import Warehouse, open_export
from project_run import PROJECT
from small_export import PARAMS, VALUE

CASES = 4000
# With and without summer time, on both halves of the earth; clocks that change at midnight (Chile,
# Lebanon, Egypt), from one to midnight (Azores, Cuba) or by half an hour (Lord Howe).
ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns"),
    *("Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "America/Santiago"),
    *("Asia/Beirut", "Africa/Cairo", "Atlantic/Azores", "America/Havana", "Asia/Kolkata"),
    *("Pacific/Kiritimati", "America/Los_Angeles"),
)
TERRIBLE_NAME = "o'brien'; drop table x; -- $(y) {{ z }} %s \u202e"
ALLOWED = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "utm_id", "page")
SECRET = "s3cretZ"


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The project's macros, and a database in memory to run what they say."""
    profiles = tmp_path_factory.mktemp("profiles")
    (profiles / "profiles.yml").write_text((PROJECT / "profiles.example.yml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        folder = profiles / TERRIBLE_NAME
        folder.mkdir()
        file = folder / "events_20261101.parquet"
        pq.write_table(pa.table({"event_date": [1]}), file)
        patch.setenv("GA4_EXPORT_FILES", str(folder / "events_*.parquet"))
        patch.setenv("DBT_PROFILES_DIR", str(profiles))
        patch.setenv("DBT_TARGET_PATH", str(profiles / "target"))
        patch.delenv("DBT_TARGET", raising=False)
        with open_export(Path(PROJECT)) as warehouse:
            yield warehouse


def run(cases: pa.Table, *expressions: str) -> list[tuple[Any, ...]]:
    """The expressions over each case, in order."""
    with duckdb.connect() as connection:
        connection.register("cases", cases)
        listed = ", ".join(expressions)
        return connection.execute(f"select {listed} from cases order by number").fetchall()


def numbered(**columns: pa.Array) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table({"number": pa.array(range(count)), **columns})


# ---- values of parameters ------------------------------------------------------------------------

TEXTS = (
    *("", " ", "0", "-0", "12", "-7", "+7", "007", "1.5", "1e3", "NaN", "inf", "-Infinity", "abc"),
    *("9" * 18, "9" * 19, "٣", "12 ", "1,5", "true", "s17", "s", "s17x", "s17$o5$g1", "s17.9"),
    *(
        "GS2.1.s1747075570$o5$g1$t1",
        "GS2.1.s",
        "GS3.s4",
        "GS2.s4.1",
        "xs4",
        "-" + "9" * 18,
        "(not set)",
    ),
)
WHOLE = (0, 1, -1, 2**53, 2**63 - 1, -(2**63))
DECIMAL = (0.0, -0.0, 1.5, -1.5, 0.1, 1e15, 1e300, -1e300, 1e-300, math.nan, math.inf, -math.inf)


def random_value(pick: random.Random) -> dict[str, Any] | None:
    if pick.random() < 0.03:
        return None
    kinds = {
        "string_value": lambda: pick.choice([*TEXTS, str(pick.randint(-(10**6), 10**6))]),
        "int_value": lambda: pick.choice([*WHOLE, pick.randint(-(10**6), 10**6)]),
        "float_value": lambda: pick.choice([*DECIMAL, pick.uniform(-1e6, 1e6)]),
        "double_value": lambda: pick.choice([*DECIMAL, pick.uniform(-1e6, 1e6)]),
    }
    return {name: make() if pick.random() < 0.4 else None for name, make in kinds.items()}


def floating(value: dict[str, Any]) -> float | None:
    found = value["double_value"]
    return value["float_value"] if found is None else found


def whole_of(value: dict[str, Any] | None) -> int | None:
    if value is None:
        return None
    if value["int_value"] is not None:
        return int(value["int_value"])
    text, number = value["string_value"], floating(value)
    if text is not None and re.fullmatch("-?[0-9]{1,18}", text):
        return int(text)
    if number is None or not math.isfinite(number) or not -(2**63) <= math.floor(number) < 2**63:
        return None
    return math.floor(number)


def session_of(value: dict[str, Any] | None) -> int | None:
    if value is None or whole_of(value) is not None:
        return whole_of(value)
    cookie = re.fullmatch(r"(GS2\.[0-9]+\.)?s([0-9]{1,18})([$.].*)?", value["string_value"] or "")
    return int(cookie.group(2)) if cookie else None


def number_of(value: dict[str, Any] | None) -> float | None:
    if value is None:
        return None
    number = floating(value)
    if number is None and value["int_value"] is not None:
        number = float(value["int_value"])
    if number is None:
        try:
            text = (value["string_value"] or "").strip(" ")
            number = float(text) if text.isascii() else None
        except ValueError:
            return None
    return number if number is not None and math.isfinite(number) else None


def test_a_parameter_is_read_from_whichever_field_holds_it(macros: Warehouse) -> None:
    pick = random.Random(1)
    values = [random_value(pick) for _ in range(CASES)]
    names = ("value_int", "session_id_of", "value_number", "value_text")
    compiled = [macros.call_macro(name, value="value") for name in names]
    found = run(numbered(value=pa.array(values, VALUE)), *compiled)
    for value, (whole, session, number, text) in zip(values, found, strict=True):
        assert (whole, session) == (whole_of(value), session_of(value)), value
        assert number == number_of(value), value
        given = value or {}
        if given.get("string_value") is not None:
            assert text == given["string_value"]
        elif given.get("int_value") is not None:
            assert text == str(given["int_value"])
        else:
            numbers = [given.get("double_value"), given.get("float_value")]
            held = next((one for one in numbers if one is not None), None)
            assert (text is None) == (held is None), value
            if held is not None and math.isfinite(held):
                assert float(text) == held
                assert "." not in text or held != math.floor(held) or abs(held) >= 1e15


def test_the_first_parameter_of_a_key_counts(macros: Warehouse) -> None:
    pick = random.Random(2)
    keys = ["a", "b", "value", "A", "", None]
    arrays = [
        [
            {"key": pick.choice(keys), "value": random_value(pick)}
            for _ in range(pick.choice([0, 1, 3, 9]))
        ]
        for _ in range(CASES)
    ]
    cases = numbered(event_params=pa.array([one or None for one in arrays], PARAMS))
    found = macros.call_macro("param_value", array="event_params", key="value")
    found = found.replace("param_keys", f"({macros.call_macro('param_keys')})")
    for array, (value,) in zip(arrays, run(cases, found), strict=True):
        first = next((one["value"] for one in array if one["key"] == "value"), None)
        # A NaN is not itself.
        assert repr(value) == repr(first if first is None or value is not None else None), array


# ---- redaction -----------------------------------------------------------------------------------

# However often it was encoded.
AT = re.compile("@|%(?:25)*40")
AT_SIGNS = ("@", "%40", "%2540", "%252540")
SEPARATORS = r"[\s/?&=#:;,()]"
HOSTS = ("shop.example", "www.shop.example:8080", "xn--bcher-kva.example", "1.2.3.4", "localhost")
PATHS = ("", "/", "/a/b", "/%E4%B8%AD", "/sale+now", "/été", "/a//b", "/index.html", "/(x)")


def random_address(pick: random.Random) -> str:
    name = pick.choice(["anna", "a.b+c", "x_1", "ü"])
    at, host = pick.choice(AT_SIGNS), pick.choice(["mail.example", "b", "x.co.uk"])
    return f"{name}{SECRET}{at}{host}"


def random_query(pick: random.Random) -> list[tuple[str, str]]:
    names = [*ALLOWED, "token", "email", "q", "UTM_SOURCE", "utm_sourcex", "xutm_source", ""]
    made = []
    for _ in range(pick.choice([0, 1, 2, 5])):
        name = pick.choice(names)
        value = pick.choice(["", "news", "1", "a%20b", "+", random_address(pick)])
        made.append((name, value if name in ALLOWED else f"{value}{SECRET}"))
    return made


def random_url(pick: random.Random) -> tuple[str, str | None]:
    """A URL, and what must become of it; None where only the invariants say."""
    scheme = pick.choice(["https://", "http://", "android-app://", "HTTPS://", ""])
    host, path = pick.choice(HOSTS), pick.choice(PATHS)
    if not scheme and (host == "localhost" or not path):
        scheme = "https://"
    pairs = random_query(pick)
    separator = pick.choice(["&", "&", ";", "&amp;"])
    query = "?" + separator.join(f"{name}={value}" for name, value in pairs) if pairs else ""
    if pick.random() < 0.2:
        query += f"{'&' if query else '?'}utm_id"
        pairs.append(("utm_id", ""))
    again = pick.choice(["", "", f"?token={SECRET}"]) if query else ""
    fragment = pick.choice(["", "", f"#{SECRET}", f"#a?b={SECRET}"])
    written = re.split("[&;]", query.removeprefix("?"))
    kept = [one for one in written if one.split("=")[0] in ALLOWED and not AT.search(one)]
    wanted = scheme + host + path + ("?" + "&".join(kept) if kept else "")
    if pick.random() < 0.2:
        # An address in the path goes by itself, with what stands around it up to a separator.
        return f"{scheme}{host}/u/{random_address(pick)}/x{query}{again}{fragment}", (
            f"{scheme}{host}/u/(redacted)/x" + ("?" + "&".join(kept) if kept else "")
        )
    return scheme + host + path + query + again + fragment, wanted


def test_a_url_keeps_its_path_and_allowed_parameters_in_order(macros: Warehouse) -> None:
    pick = random.Random(3)
    urls = [random_url(pick) for _ in range(CASES)]
    once = macros.call_macro("redact", expression="said")
    twice = macros.call_macro("redact", expression=f"({once})")
    found = run(numbered(said=pa.array([url for url, _ in urls])), once, twice)
    for (url, wanted), (first, second) in zip(urls, found, strict=True):
        assert first == wanted, url
        assert SECRET not in first and second == first, url


def test_no_address_survives_and_other_text_is_left_alone(macros: Warehouse) -> None:
    pick = random.Random(4)
    pieces = [
        "a",
        "Z9",
        ".",
        "-",
        "_",
        "%",
        "+",
        " ",
        "/",
        "?",
        "&",
        "=",
        "#",
        ":",
        "é",
        "🧨",
        "\n",
    ]
    texts = []
    for _ in range(CASES):
        parts = [pick.choice(pieces) for _ in range(pick.randint(0, 12))]
        if pick.random() < 0.5:
            parts.insert(pick.randint(0, len(parts)), pick.choice([*AT_SIGNS, "@@", "%25%40"]))
        texts.append("".join(parts))
    names = ("redact_name", "redact", "redact_id")
    compiled = [macros.call_macro(name, expression="said") for name in names]
    for text, (name, redacted, identifier) in zip(
        texts, run(numbered(said=pa.array(texts)), *compiled), strict=True
    ):
        runs = re.split(f"({SEPARATORS})", text)
        wanted = "".join("(redacted)" if is_address(one) else one for one in runs)
        assert name == wanted, text
        assert not any(is_address(one) for one in re.split(SEPARATORS, redacted)), text
        if not AT.search(text) and not re.search("[?#]", text):
            assert name == redacted == identifier == text
        elif AT.search(text):
            assert re.fullmatch("[0-9a-f]{32}", identifier)


def is_address(text: str) -> bool:
    """Whether there is an at sign with something on either side."""
    return bool(re.search(f"(?s).({AT.pattern}).", text))


# ---- keys of events ------------------------------------------------------------------------------

IDENTITY: dict[str, list[Any]] = {
    "property_id": ["1", "12"],
    "event_date": ["2025-11-01", "2025-11-02"],
    "raw_stream_id": ["1", "12", None],
    "raw_user_pseudo_id": ["", None, "a", "a|1762000000000001", "|", "a|", "~", "~0", "~1", "1.2"],
    "event_timestamp": [1762000000000001, 1762000000000002, None],
    "raw_event_name": ["", None, "x", "1762000000000002|x", "|x", "~", "x|"],
    "raw_event_date": ["20251101", "", None],
    "batch_page_id": [None, 0, 1],
    "batch_ordering_id": [None, 1],
    "batch_event_index": [None, 1],
    "copy_number": [1, 2],
}


def test_events_that_differ_have_different_keys(macros: Warehouse) -> None:
    """Whatever a visitor sends for an id or for the name of an event."""
    pick = random.Random(5)
    rows = {tuple(pick.choice(values) for values in IDENTITY.values()) for _ in range(8 * CASES)}
    columns = zip(*sorted(rows, key=repr), strict=True)
    cases = numbered(
        **{name: pa.array(column) for name, column in zip(IDENTITY, columns, strict=True)}
    )
    keys: dict[str, Sequence[Any]] = {}
    given = [f'"{name}"' for name in IDENTITY]
    for key, *row in run(cases, macros.call_macro("event_key"), *given):
        assert key not in keys, (key, row, keys[key])
        keys[key] = row
    assert len(keys) == len(rows) > 4 * CASES


# ---- points of scores ----------------------------------------------------------------------------


def test_points_halve_and_never_grow(macros: Warehouse) -> None:
    pick = random.Random(6)
    day = 86_400_000_000
    cases = []
    for _ in range(CASES):
        since = pick.randint(0, 4_000) * day + pick.randint(0, day)
        elapsed = pick.choice([0, 1, day, pick.randint(0, 400 * day), -pick.randint(1, day)])
        cases.append((pick.choice([0, 1, 3, 50, 997]), since, elapsed, pick.choice([1, 7, 30.5])))
    points, starts, passed_by, half_lives = zip(*cases, strict=True)
    table = numbered(
        points=pa.array(points),
        since=pa.array(starts),
        until=pa.array([one + two for one, two in zip(starts, passed_by, strict=True)]),
        half_life=pa.array(half_lives, pa.float64()),
    )
    arguments = {"since": "since", "until": "until", "half_life_days": "half_life"}
    small = macros.call_macro("decayed_points", points="points", **arguments)
    large = macros.call_macro("decayed_points", points="1000000 * points", **arguments)
    for (point, _, passed, half_life), (said, fine) in zip(
        cases, run(table, small, large), strict=True
    ):
        days = Decimal(max(passed, 0)) / day
        exact = point * Decimal(2) ** (-days / Decimal(str(half_life)))
        # A power is exact to its last digits only; half a point either way is where rounding turns.
        is_on_the_edge = abs(exact % 1 - Decimal("0.5")) < Decimal("1e-9")
        assert is_on_the_edge or said == int(exact.quantize(Decimal(1), ROUND_HALF_UP)), exact
        assert abs(fine - 1_000_000 * exact) <= 1, exact
        assert 0 <= said <= point


# ---- names of files ------------------------------------------------------------------------------


def test_a_name_of_a_file_is_no_sql(macros: Warehouse) -> None:
    [shard] = macros.call_macro("export_shards")
    assert Path(shard["path"]).parent.name == TERRIBLE_NAME
    [row] = macros.run_query(f"from read_parquet({macros.call_macro('path_list', shards=[shard])})")
    assert row == {"event_date": 1}


# ---- days ----------------------------------------------------------------------------------------


def test_days_begin_where_their_first_moment_is_in_every_time_zone(macros: Warehouse) -> None:
    """Days of 23 and 25 hours, days that begin at one o'clock, and days with two midnights."""
    first = dt.date(2026, 1, 1)
    days = [first + dt.timedelta(days=number) for number in range(366)]
    table = numbered(day=pa.array(days))
    begins = macros.call_macro("local_midnight_micros", expression="day")
    dates = [macros.call_macro("local_date", expression=one) for one in (begins, f"{begins} - 1")]
    lengths: set[int] = set()
    for name in ZONES:
        zone = ZoneInfo(name)
        # Of two midnights zoneinfo takes the first, of none the moment of the jump.
        truth = [int(dt.datetime(d.year, d.month, d.day, tzinfo=zone).timestamp()) for d in days]
        compiled = [one.replace("America/New_York", name) for one in (begins, *dates)]
        for day, moment, (begin, date, before) in zip(
            days, truth, run(table, *compiled), strict=True
        ):
            assert begin == moment * 1_000_000, (name, day)
            assert (date, before) == (day, day - dt.timedelta(days=1)), (name, day)
        lengths |= {(late - early) // 60 for early, late in itertools.pairwise(truth)}
    assert lengths >= {23 * 60, 24 * 60, 25 * 60}
