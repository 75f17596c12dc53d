"""What BigQuery's dialect is, in terms of GoogleSQL's switches.

GoogleSQL is a family of dialects. Everything is switched on, what BigQuery documents no syntax for
is switched off, and the few features outside the default set that BigQuery has are added.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from zetasql.wasi._pb2.zetasql.local_service import (
    local_service_pb2,
)
from zetasql.wasi._pb2.zetasql.proto import (
    function_pb2,
    options_pb2,
)
from zetasql.wasi._pb2.zetasql.public import (
    function_pb2 as public_function_pb2,
)
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options_pb2

from .bq_types import parse_type
from .engine import Engine

_LACKING = """
AGGREGATE_FILTERING MULTILEVEL_AGGREGATION MULTILEVEL_AGGREGATION_ON_UDAS LATERAL_JOIN
INLINE_LAMBDA_ARGUMENT SAFE_FUNCTION_CALL_WITH_LAMBDA_ARGS ARRAY_AGGREGATION_FUNCTIONS
ARRAY_FIND_FUNCTIONS FIRST_AND_LAST_N ARRAY_EQUALITY ARRAY_ORDERING ARRAY_GREATEST_LEAST
UUID_TYPE EXTENDED_TYPES TOKENIZED_SEARCH TIMESTAMP_NANOS TIMESTAMP_PICOS TIMESTAMP_PRECISION
FOR_UPDATE INSERT_ON_CONFLICT_CLAUSE DML_RETURNING NULLIFZERO_ZEROIFNULL PI_FUNCTIONS
LIMIT_OFFSET_EXPRESSIONS STRUCT_POSITIONAL_ACCESSOR ENABLE_MEASURES EXPERIMENTAL_MODULES
STRATIFIED_RESERVOIR_TABLESAMPLE EXTRACT_FROM_PROTO REPLACE_FIELDS FILTER_FIELDS PROTO_MAPS
BRACED_PROTO_CONSTRUCTORS UNNEST_AND_FLATTEN_ARRAYS ARRAY_ZIP JSON_TYPE_COMPARISON
IMPLICIT_COERCION_STRING_LITERAL_TO_BYTES MANHATTAN_DISTANCE L1_NORM L2_NORM DOT_PRODUCT
CAST_DIFFERENT_ARRAY_TYPES ALLOW_SLASH_PATHS WITH_RECURSIVE_DEPTH_MODIFIER
"""

_ADDED = """
CREATE_VIEWS_WITH_COLUMN_OPTIONS CREATE_TABLE_CLONE CLONE_DATA ALTER_COLUMN_SET_DATA_TYPE
CREATE_EXTERNAL_TABLE_WITH_PARTITION_COLUMNS COLLATION_SUPPORT LIKE_ANY_SOME_ALL_ARRAY
LIKE_ANY_SOME_ALL_SUBQUERY JSON_STRICT_NUMBER_PARSING INVERSE_TRIG_FUNCTIONS
ALTER_MATERIALIZED_VIEW_ALTER_COLUMN_SET_OPTIONS
"""

# OPTIONS (…) of tables, views and schemas that dbt-bigquery writes; any other name is refused.
_DDL_OPTIONS = {
    "description": "STRING",
    "expiration_timestamp": "TIMESTAMP",
    "friendly_name": "STRING",
    "kms_key_name": "STRING",
    "labels": "ARRAY<STRUCT<STRING, STRING>>",
    "location": "STRING",
    "max_staleness": "INTERVAL",
    "enable_refresh": "BOOL",
    "refresh_interval_minutes": "FLOAT64",
    "partition_expiration_days": "FLOAT64",
    "policy_tags": "ARRAY<STRING>",
    "require_partition_filter": "BOOL",
}


def language_options(engine: Engine) -> Any:
    """LanguageOptionsProto for BigQuery's dialect."""
    name_of = public_options_pb2.LanguageFeature.Name
    options = engine.call(
        "GetLanguageOptions",
        local_service_pb2.LanguageOptionsRequest(maximum_features=True),
        options_pb2.LanguageOptionsProto,
    )
    lacking = {f"FEATURE_{name}" for name in _LACKING.split()}
    kept = [one for one in options.enabled_language_features if name_of(one) not in lacking]
    added = [public_options_pb2.LanguageFeature.Value(f"FEATURE_{name}") for name in _ADDED.split()]
    options.ClearField("enabled_language_features")
    options.enabled_language_features.extend({*kept, *added})
    options.product_mode = public_options_pb2.PRODUCT_EXTERNAL
    options.name_resolution_mode = public_options_pb2.NAME_RESOLUTION_DEFAULT
    options.ClearField("supported_statement_kinds")  # empty means every kind
    if "QUALIFY" not in options.reserved_keywords:
        options.reserved_keywords.append("QUALIFY")
    return options


def analyzer_options(engine: Engine, language: Any) -> Any:
    """AnalyzerOptionsProto: UTC, one-line messages, BigQuery's closed list of DDL options."""
    options = engine.call(
        "GetAnalyzerOptions",
        local_service_pb2.AnalyzerOptionsRequest(),
        options_pb2.AnalyzerOptionsProto,
    )
    options.language_options.CopyFrom(language)
    options.default_timezone = "UTC"
    options.error_message_mode = public_options_pb2.ERROR_MESSAGE_ONE_LINE
    for name, kind in (("_PARTITIONDATE", "DATE"), ("_PARTITIONTIME", "TIMESTAMP")):
        column = options.ddl_pseudo_columns.add(name=name)
        column.type.CopyFrom(parse_type(kind))
    allowed = options.allowed_hints_and_options
    allowed.disallow_unknown_options = True
    for name, kind in _DDL_OPTIONS.items():
        allowed.option.add(name=name).type.CopyFrom(parse_type(kind))
    return options


@cache
def added_functions() -> tuple[Any, ...]:
    """BigQuery functions that the open-source library lacks: analysed, not executed."""
    return (
        _function("max_by", ["ANY_1", "ANY_2"], "ANY_1", "AGGREGATE"),
        _function("min_by", ["ANY_1", "ANY_2"], "ANY_1", "AGGREGATE"),
        _function("contains_substr", ["ANY_1", "STRING"], "BOOL", "SCALAR"),
    )


def _function(name: str, arguments: list[str], returned: str, mode: str) -> Any:
    enums = public_function_pb2.FunctionEnums
    function = function_pb2.FunctionProto(name_path=[name], group="bigquery")
    function.mode = getattr(enums, mode)
    if mode == "AGGREGATE":
        function.options.supports_over_clause = True
        function.options.window_ordering_support = enums.ORDER_OPTIONAL
    signature = function.signature.add()
    for argument in arguments:
        _set_kind(signature.argument.add(num_occurrences=-1), argument)
    _set_kind(signature.return_type, returned)
    return function


def _set_kind(argument: Any, kind: str) -> None:
    """An argument is a template such as ANY_1 or a fixed type such as STRING."""
    if kind.startswith("ANY"):
        argument.kind = getattr(public_function_pb2, f"ARG_TYPE_{kind}")
    else:
        argument.kind = public_function_pb2.ARG_TYPE_FIXED
        argument.type.CopyFrom(parse_type(kind))
