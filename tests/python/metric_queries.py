"""SQL of the metrics layer, for DuckDB or BigQuery, as MetricFlow writes it; nothing connects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Question:
    """Metrics by what, as `mf query` is asked.

    Args:
        metrics: Names of metrics.
        by: What to group by, such as `metric_time` or `session__device_category`.
        where: Conditions in MetricFlow's words.
    """

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


class MetricsLayer:
    """What a semantic manifest of dbt defines."""

    def __init__(self, semantic_manifest: str, warehouse: str) -> None:
        """Take the text of a `semantic_manifest.json` for `duckdb` or `bigquery`."""
        self.text = semantic_manifest
        self._warehouse = warehouse

    @cached_property
    def _manifest(self) -> Any:
        from metricflow_semantic_interfaces.implementations.semantic_manifest import (
            PydanticSemanticManifest,
        )

        return PydanticSemanticManifest.parse_raw(self.text)

    @cached_property
    def _transformed(self) -> Any:
        from metricflow_semantic_interfaces.transformations.semantic_manifest_transformer import (
            PydanticSemanticManifestTransformer,
        )

        return PydanticSemanticManifestTransformer.transform(self._manifest)

    @cached_property
    def _engine(self) -> Any:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        client: Any = _Client(self._warehouse)
        return MetricFlowEngine(SemanticManifestLookup(self._transformed), client)

    def metrics(self) -> list[str]:
        """Names of all metrics."""
        return [metric.name for metric in self._manifest.metrics]

    def saved_queries(self) -> list[str]:
        """Names of the queries that are saved."""
        return [query.name for query in self._manifest.saved_queries]

    def errors(self) -> list[str]:
        """What MetricFlow's validator says against the definitions."""
        from metricflow_semantic_interfaces.validations.semantic_manifest_validator import (
            SemanticManifestValidator,
        )

        found = SemanticManifestValidator[Any]().validate_semantic_manifest(self._transformed)
        return [issue.message for issue in [*found.errors, *found.future_errors]]

    def sql(self, question: Question) -> str:
        """The statement that answers a question."""
        return self._explained(
            metric_names=question.metrics,
            group_by_names=question.by,
            where_constraints=question.where or None,
        )

    def saved_sql(self, name: str) -> str:
        """The statement of a saved query."""
        return self._explained(saved_query_name=name)

    def _explained(self, **asked: Any) -> str:
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        explained = self._engine.explain(MetricFlowQueryRequest.create(**asked))
        return str(explained.sql_statement.sql)


class _Client:
    """What MetricFlow asks of a warehouse before it writes SQL: which one it is."""

    def __init__(self, warehouse: str) -> None:
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.big_query import BigQuerySqlPlanRenderer
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer

        is_duckdb = warehouse == "duckdb"
        self.sql_engine_type = SqlEngine.DUCKDB if is_duckdb else SqlEngine.BIGQUERY
        self.sql_plan_renderer: Any = (
            DuckDbSqlPlanRenderer() if is_duckdb else BigQuerySqlPlanRenderer()
        )


def duckdb_layer() -> MetricsLayer:
    """The project's metrics layer on DuckDB."""
    from dbt.contracts.graph.semantic_manifest import SemanticManifest
    from project_run import parsed_manifest

    manifest = SemanticManifest(parsed_manifest())._get_pydantic_semantic_manifest()
    return MetricsLayer(manifest.json(), "duckdb")
