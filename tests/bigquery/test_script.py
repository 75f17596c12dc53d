"""Scripts are analysed statement by statement, with variables and the tables they create."""

from __future__ import annotations

import pytest

from .engine import SqlError
from .googlesql import Catalog, Column
from .script import analyze_script

SESSIONS = "`p`.`d`.`sessions`"
INSERT_OVERWRITE = f"""
declare replaced array<date>;
declare newest date default (select max(session_date) from {SESSIONS});
begin
  create temp table t as select 1 as a, newest as n;
  if 1 = 1 then select a, n from t; else select 3; end if;
end;
create or replace table `p`.`d`.`new` partition by session_date cluster by session_key
options (labels = [('team', 'web')]) as select session_key, session_date from {SESSIONS};
set (replaced) = (select as struct array_agg(distinct session_date) from `p`.`d`.`new`);
merge into {SESSIONS} as destination using (select * from `p`.`d`.`new`) as source on false
when not matched by source and destination.session_date in unnest(replaced) then delete
when not matched then insert (session_key, session_date) values (session_key, session_date);
drop table if exists `p`.`d`.`new`;
execute immediate 'select 1';
"""


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog()
    columns = [
        Column("session_key", "STRING"),
        Column("session_date", "DATE"),
        Column("n", "INT64"),
    ]
    catalog.add("p.d.sessions", columns)
    return catalog


def test_what_dbt_sends_for_insert_overwrite_resolves(catalog: Catalog) -> None:
    kinds = analyze_script(catalog, INSERT_OVERWRITE)
    assert {"ResolvedMergeStmt", "ResolvedCreateTableAsSelectStmt", "ResolvedDropStmt"} <= set(
        kinds
    )
    assert "p.d.new" not in catalog.tables
    assert catalog.variables == {}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (f"declare x array<date>; select * from {SESSIONS} where n in unnest(x)", "operator IN"),
        ("set zz = 1", "Undeclared variable: zz"),
        ("declare x int64; set x = 'a'", "No matching signature"),
        (f"begin select nope from {SESSIONS}; end", "Unrecognized name: nope .* in: select nope"),
        ("declare x date default 5", "No matching signature"),
        ("declare a int64; set (a) = (select as struct 'x')", "takes"),
        (f"create table `p`.`d`.`t` as select n, n from {SESSIONS}", "duplicate name n"),
        (f"create table `p`.`d`.`t` options (nope = 1) as select n from {SESSIONS}", "nope"),
        (
            f"delete from {SESSIONS} where (n, session_date) in"
            f" (select distinct n, session_date from {SESSIONS})",
            "one output column|more than one column",
        ),
    ],
)
def test_a_wrong_statement_of_a_script_is_refused(
    catalog: Catalog, script: str, message: str
) -> None:
    with pytest.raises(SqlError, match=message):
        analyze_script(catalog, script)
