"""Which tables are exported, which of their rows and columns, and the statement that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microconv.cohorts import rows as cohorts
from microconv.correlate import columns as correlate
from microconv.experiments import rows as experiments
from microconv.lead_lag import rows as lead_lag
from microconv.proxy import rows as proxy
from microconv.score import rows as score
from microconv.value import rows as value
from microconv.writing import beside

if TYPE_CHECKING:
    from microconv.profile import Warehouse

PREFIXES = ("bi_", "dim_", "fct_", "mart_")
EVIDENCE: Mapping[str, Mapping[str, str]] = {
    **correlate.TABLES,
    **score.TABLES,
    **experiments.TABLES,
    "evidence_conversion_values": value.COLUMNS,
    proxy.TABLE: proxy.COLUMNS,
    cohorts.TABLE: cohorts.COLUMNS,
    lead_lag.TABLE: lead_lag.COLUMNS,
}

# What says whose rows a table holds. The identifier of a device never leaves; those of persons
# leave as their hash, the one of `microconv audience --hash`.
_DEVICE = "user_pseudo_id"
_PERSON = "visitor_id"
_PERSONAL = (_DEVICE, _PERSON, "unit_id")
# What holds one of them inside, and the number of an order.
_HASHED = {
    *(_PERSON, "unit_id", "session_id", "entry_session_id", "last_session_id"),
    *("reached_session_id", "funnel_attempt_id", "funnel_abandonment_id"),
    *("experiment_exposure_id", "transaction_id"),
}
# A table that says of whom its rows are in another table's column.
_THROUGH = {"fct_funnel_attempt_steps": ("fct_funnel_attempts", "funnel_attempt_id")}
# Lists of whom to remind, for which advertising must have been allowed too.
_REMINDERS = ("bi_leads", "fct_funnel_abandonments", "mart_lead_scores", "mart_stalled_visitors")

_KINDS = {
    **{"bool": "boolean", "boolean": "boolean", "truth": "boolean"},
    **{"date": "date", "timestamp": "timestamp"},
    **{"double": "number", "float64": "number", "number": "number", "numeric": "number"},
    **{"bigint": "integer", "int64": "integer", "integer": "integer"},
    **{"string": "text", "text": "text", "varchar": "text"},
}


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Args:
        kind: text, integer, number, boolean, date or timestamp.
    """

    name: str
    kind: str
    description: str


@dataclass(frozen=True)
class Table:
    """What is exported of a table.

    Args:
        relation: Its quoted name.
        consent: Whose rows are left; empty where rows are of nobody.
        condition: The same as SQL.
    """

    name: str
    relation: str
    description: str
    columns: tuple[Column, ...]
    consent: str = ""
    condition: str = ""

    def query(self, is_duckdb: bool) -> str:
        """The statement that reads the file's rows, in the order of its columns."""
        selected = ", ".join(_selected(column.name, is_duckdb) for column in self.columns)
        where = f"\nwhere {self.condition}" if self.condition else ""
        return f"select {selected}\nfrom {self.relation} as exported{where}"

    def count_query(self) -> str:
        """The statement that counts all rows, exported or not."""
        return f"select count(*) as row_count from {self.relation}"


def is_of_persons(columns: Mapping[str, object]) -> bool:
    """Whether rows with these columns are somebody's."""
    return any(name in columns for name in _PERSONAL)


def tables_to_export(warehouse: Warehouse, has_visitors: bool) -> list[Table]:
    """Dimensions, facts, marts and views for BI, and what of the evidence was written.

    Args:
        has_visitors: Also those whose rows are of one visitor each.
    """
    found = [
        _model(warehouse, name)
        for name in warehouse.models()
        if name.startswith(PREFIXES)
        and warehouse.columns(name)
        and (has_visitors or not is_of_persons(warehouse.columns(name)))
    ]
    for name, kinds in EVIDENCE.items():
        relation = beside(warehouse, name)
        if warehouse.has(relation):
            columns = tuple(Column(one, _KINDS[kind], "") for one, kind in kinds.items())
            found.append(Table(name, relation, "", columns))
    return found


def tables_of_persons(warehouse: Warehouse) -> list[str]:
    """Names of the models whose rows are of one visitor each."""
    return [
        name
        for name in warehouse.models()
        if name.startswith(PREFIXES) and is_of_persons(warehouse.columns(name))
    ]


def _model(warehouse: Warehouse, name: str) -> Table:
    described = warehouse.columns(name)
    columns = tuple(
        Column(column, _KINDS[one.data_type.lower()], one.description)
        for column, one in described.items()
        if column != _DEVICE
    )
    relation = warehouse.relation(name)
    if not is_of_persons(described):
        return Table(name, relation, warehouse.description(name), columns)
    needs_ads = name in _REMINDERS
    consent = "analytics and ads" if needs_ads else "analytics"
    allowed = (
        f"select {_PERSON} from {warehouse.relation('dim_visitors')} where has_consent"
        f"{' and has_ads_consent' if needs_ads else ''}"
    )
    condition = f"exported.{_PERSON} in ({allowed})"
    if name in _THROUGH:
        parent, key = _THROUGH[name]
        condition = (
            f"exported.{key} in (select {key} from {warehouse.relation(parent)}"
            f" where {_PERSON} in ({allowed}))"
        )
    return Table(name, relation, warehouse.description(name), columns, consent, condition)


def _selected(column: str, is_duckdb: bool) -> str:
    if column not in _HASHED:
        return f"exported.{column}"
    digest = f"sha256(exported.{column})"
    return f"{digest if is_duckdb else f'to_hex({digest})'} as {column}"
