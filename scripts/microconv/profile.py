"""The one module that connects: the profile, target and adapter that dbt itself uses.

Everything here that starts with `dbt` is internal to dbt-core 1.11, so it is imported in this
module only, and late:
importing it costs seconds.
"""

from __future__ import annotations

import json
import os
import re
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from microconv import output
from microconv.errors import FINDINGS, MicroconvError, NotBuiltError

Cell = str | int | float | bool | date | datetime | None
Record = dict[str, Cell]

# What DuckDB and BigQuery say of a table that is not there.
_MISSING = re.compile(r"does not exist|Not found: (Table|Dataset)", re.IGNORECASE)
# What the operating system says through DuckDB.
_FULL = re.compile(r"No space left on device|File too large|Disk quota exceeded")
_CLOSED = re.compile(r"Cannot open file.*(Permission denied|Read-only file system)")
_PACKAGE = "micro_conversions"
_BUILD_FIRST = "Run `make build` (or `make demo`) first."


def find_project_dir(start: Path | None = None) -> Path:
    """The folder of dbt_project.yml, in DBT_PROJECT_DIR or upwards from here.

    Args:
        start: Where to begin; None for the working folder.

    Raises:
        MicroconvError: There is none.
    """
    named = os.environ.get("DBT_PROJECT_DIR")
    here = (Path(named) if named else start or Path.cwd()).resolve()
    for folder in [here] if named else [here, *here.parents]:
        if (folder / "dbt_project.yml").is_file():
            return folder
    raise MicroconvError(
        f"There is no dbt_project.yml in {here}{'' if named else ' or above it'}.",
        "Change into the project, or set DBT_PROJECT_DIR to its folder.",
    )


def find_seeds_dir(project_dir: Path) -> Path:
    """The folder of the lists that a build reads: `seeds`, or another of the project in SEEDS_PATH.

    Raises:
        MicroconvError: SEEDS_PATH leads out of the project, where dbt takes no seeds from.
    """
    named = Path(os.environ.get("SEEDS_PATH") or "seeds")
    if named.is_absolute() or ".." in named.parts:
        raise MicroconvError(
            f"SEEDS_PATH is {named}, but dbt reads seeds from inside the project only.",
            "Name a folder as seen from the project, such as target/my_seeds.",
        )
    return project_dir / named


@dataclass(frozen=True)
class Column:
    """What the project says of a column: its type in the words of the target, and what it holds."""

    data_type: str
    description: str


@dataclass(frozen=True)
class Warehouse:
    """An open connection to what dbt built. Made by `open_warehouse`."""

    config: Any
    adapter: Any

    @property
    def place(self) -> str:
        """Where the tables are, in words."""
        credentials = self.config.credentials
        if credentials.type == "duckdb":
            return f"DuckDB file {credentials.path}, schema {credentials.schema}"
        return f"{credentials.type} {credentials.database}.{credentials.schema}"

    @cached_property
    def _models(self) -> dict[str, dict[str, Any]]:
        path = Path(self.config.project_target_path) / "manifest.json"
        try:
            nodes = json.loads(path.read_bytes())["nodes"].values()
        except (OSError, ValueError, KeyError) as error:
            raise MicroconvError(
                "The project was not built yet.", _BUILD_FIRST, FINDINGS
            ) from error
        # The project itself, or the project that another one imports.
        packages = (self.config.project_name, _PACKAGE)
        own = [node for node in nodes if node["resource_type"] in ("model", "seed")]
        return {
            node["name"]: node
            for package in reversed(packages)
            for node in own
            if node["package_name"] == package
        }

    @cached_property
    def _built(self) -> dict[str, str]:
        """Tables that were seen to be there; one that was not is looked for again."""
        return {}

    def relation(self, model: str) -> str:
        """The quoted name of a model's or seed's table on the target in use.

        Raises:
            MicroconvError: The project has no such model, or the table was not built.
        """
        if model not in self._built:
            self._built[model] = self._found(model)
        return self._built[model]

    def _found(self, model: str) -> str:
        relation = str(self._place_of(model))
        if not self.has(relation):
            raise MicroconvError(
                f"There is no table '{model}' in {self.place}.", _BUILD_FIRST, FINDINGS
            )
        return relation

    def columns(self, model: str) -> dict[str, Column]:
        """What the project says of a model's columns, by name."""
        described = self._models.get(model, {}).get("columns", {})
        return {
            name: Column(str(one.get("data_type") or ""), str(one.get("description") or ""))
            for name, one in described.items()
        }

    def description(self, model: str) -> str:
        """What the project says of a model."""
        return str(self._models.get(model, {}).get("description") or "")

    def models(self) -> list[str]:
        """Names of the models that the project builds."""
        return sorted(
            name for name, node in self._models.items() if node["resource_type"] == "model"
        )

    def has(self, relation: str) -> bool:
        """Whether there is a table of this quoted name."""
        try:
            self.run_query(f"select 1 as found from {relation} where false")
        except MicroconvError as error:
            if not _MISSING.search(error.message):
                raise
            return False
        return True

    def beside(self, model: str, table: str) -> Any:
        """The relation of a table that lies where a model's table lies, built or not."""
        return self._place_of(model).incorporate(path={"identifier": table})

    def _place_of(self, model: str) -> Any:
        node = self._models.get(model)
        if node is None:
            raise MicroconvError(
                f"The built project has no model '{model}'.", _BUILD_FIRST, FINDINGS
            )
        # The manifest may have been written for another DUCKDB_PATH, so only what the model itself
        # sets is taken from it.
        credentials, own = self.config.credentials, node["config"]
        database = node["database"] if own.get("database") else credentials.database
        layer = "seeds" if node["resource_type"] == "seed" else node["fqn"][1]
        datasets = self.config.vars.to_dict().get("layer_datasets") or {}
        schema = own.get("schema") or datasets.get(layer) or credentials.schema
        return self.adapter.Relation.create(
            database=database, schema=schema, identifier=node["alias"]
        )

    @property
    def is_duckdb(self) -> bool:
        """Whether the target is DuckDB; otherwise it is BigQuery."""
        return bool(self.config.credentials.type == "duckdb")

    def run_batches(self, sql: str) -> Iterator[Any]:
        """Run a query whose result is larger, as Arrow record batches, so that no more than one is
        held.

        Raises:
            MicroconvError: The warehouse refuses it.
        """
        with _plain_errors():
            connections = self.adapter.connections
            if self.is_duckdb:
                cursor = connections.get_thread_connection().handle.cursor()
                yield from cursor.execute(sql).to_arrow_reader()
            else:
                _, rows = connections.raw_execute_with_comment(sql)
                yield from rows.to_arrow_iterable()

    def call_macro(self, name: str, **arguments: Any) -> Any:
        """What a macro of the project returns; only of a warehouse opened by `open_export`.

        Raises:
            MicroconvError: The macro refuses, or the warehouse refuses what it asks.
        """
        with _plain_errors():
            return self.adapter.execute_macro(name, kwargs=arguments)

    def execute(self, sql: str) -> None:
        """Run one statement or script that returns nothing.

        Raises:
            MicroconvError: The warehouse refuses it.
        """
        with _plain_errors(), _told(sql):
            self.adapter.execute(sql)

    def run_query(self, sql: str) -> list[Record]:
        """Run a query whose result is small, as a list of rows by column name.

        Raises:
            MicroconvError: The warehouse refuses it.
        """
        with _plain_errors(), _told(sql):
            _, table = self.adapter.execute(sql, fetch=True)
        return [
            {name: _plain(value) for name, value in zip(table.column_names, row, strict=True)}
            for row in table.rows
        ]


@contextmanager
def open_warehouse(
    project_dir: Path | None = None, is_for_writing: bool = False
) -> Iterator[Warehouse]:
    """Open the target that dbt would use; on DuckDB for reading only, so that others may read too.

    Args:
        project_dir: The folder of dbt_project.yml; None to look for it.
        is_for_writing: Open a DuckDB file for writing, which shuts everybody else out.

    Raises:
        MicroconvError: No profile, a wrong profile, no database yet, or a database that another
            program writes.
    """
    folder = project_dir or find_project_dir()
    with _plain_errors():
        config, adapter = _load(folder, find_profiles_dir(folder))
    _find_file(config.credentials, folder, is_for_writing)
    with _connected(config, adapter) as warehouse:
        yield warehouse


@contextmanager
def _connected(config: Any, adapter: Any) -> Iterator[Warehouse]:
    """A connection that is closed at the end, with the file behind it."""
    with _plain_errors(), adapter.connection_named("microconv"):
        try:
            # dbt connects at the first statement; a locked file must show here.
            adapter.execute("select 1 as one", fetch=True)
            yield Warehouse(config, adapter)
        finally:
            adapter.cleanup_connections()
            # dbt-duckdb keeps the file open for the life of the process, which locks out a build.
            getattr(adapter.connections, "close_all_connections", lambda: None)()


def load_credentials(folder: Path) -> Any:
    """The credentials of the target that dbt would use, without connecting.

    Args:
        folder: The folder of dbt_project.yml.

    Raises:
        MicroconvError: No profile, or a wrong one.
    """
    with _plain_errors():
        return _load(folder, find_profiles_dir(folder))[0].credentials


@contextmanager
def open_export(project_dir: Path | None = None) -> Iterator[Warehouse]:
    """Open the target for what lies before a build: the raw export, by the project's own macros.

    On DuckDB that is a database in memory: export files are all that is read, so that there need be
    no build yet and nobody's lock matters.

    Raises:
        MicroconvError: No profile, or a wrong one, or the project's macros cannot be read.
    """
    folder = project_dir or find_project_dir()
    with _plain_errors():
        config, adapter = _load(folder, find_profiles_dir(folder))
        if config.credentials.type == "duckdb":
            config.credentials.path = ":memory:"
        _load_macros(config, adapter)
    # Files are named as seen from the project, as they are for dbt.
    with chdir(folder), _connected(config, adapter) as warehouse:
        yield warehouse


def _load_macros(config: Any, adapter: Any) -> None:
    """Read the macros alone, a fraction of a parse; dbt's own `run-operation` parses everything."""
    from dbt.context.providers import generate_runtime_macro_context
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import ManifestLoader

    found = ManifestLoader.load_macros(config, adapter.connections.set_query_header)
    # A manifest of macros only lacks what env_var() notes its use in.
    adapter.set_macro_resolver(Manifest(macros=found.macros))
    adapter.set_macro_context_generator(generate_runtime_macro_context)


def find_profiles_dir(folder: Path) -> Path:
    """Where dbt looks: DBT_PROFILES_DIR, the project, the home folder."""
    named = os.environ.get("DBT_PROFILES_DIR")
    for place in [Path(named)] if named else [folder, Path.home() / ".dbt"]:
        if (place / "profiles.yml").is_file():
            return place
    raise MicroconvError(
        f"There is no profiles.yml in {named or folder}.",
        "Copy profiles.example.yml to profiles.yml; `make` does it.",
    )


def _load(folder: Path, profiles_dir: Path) -> tuple[Any, Any]:
    from dbt.adapters.factory import get_adapter, register_adapter, reset_adapters
    from dbt.config.runtime import RuntimeConfig, load_profile, load_project
    from dbt.flags import set_from_args
    from dbt.mp_context import get_mp_context
    from dbt_common.context import set_invocation_context
    from dbt_common.events.event_manager_client import cleanup_event_logger

    # dbt's own log lines go to standard output, where they would stand inside our CSV and JSON.
    cleanup_event_logger()
    set_invocation_context(dict(os.environ))
    target = os.environ.get("DBT_TARGET")
    arguments = Namespace(
        project_dir=str(folder),
        profiles_dir=str(profiles_dir),
        target=target,
        target_path=os.environ.get("DBT_TARGET_PATH"),
        profile=None,
        vars={},
        threads=1,
        send_anonymous_usage_stats=False,
    )
    set_from_args(arguments, None)
    profile = load_profile(str(folder), {}, None, target)
    project = load_project(str(folder), False, profile, {})
    config = RuntimeConfig.from_parts(project, profile, arguments)
    reset_adapters()
    register_adapter(config, get_mp_context())
    return config, get_adapter(config)


def _find_file(credentials: Any, folder: Path, is_for_writing: bool) -> None:
    """Keep everybody from creating a DuckDB file, and a reader from changing it; a path is relative
    to the project, as for dbt.
    """
    if credentials.type != "duckdb" or credentials.path.startswith(("md:", ":memory:")):
        return
    path = folder / credentials.path
    if not path.is_file():
        raise NotBuiltError(f"There is no DuckDB file {path}.", _BUILD_FIRST, FINDINGS)
    credentials.path = str(path)
    if is_for_writing:
        return
    credentials.config_options = {**(credentials.config_options or {}), "access_mode": "READ_ONLY"}


@contextmanager
def _told(sql: str) -> Iterator[None]:
    """Tell a statement and how long it took, with `--verbose`."""
    started = time.perf_counter()
    try:
        yield
    finally:
        output.tell(f"{time.perf_counter() - started:.2f} s: {' '.join(sql.split())}")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what dbt and the warehouse raise into one sentence and a remedy."""
    from dbt_common.exceptions import DbtBaseException

    try:
        yield
    except DbtBaseException as error:
        raise explained(str(error)) from error
    except AttributeError as error:
        # dbt-bigquery closes a connection that it could not open, which hides why it could not.
        cause = _first_of(error)
        if cause is error or error.name != "close":
            raise
        raise explained(str(cause)) from error
    except Exception as error:
        # The adapters' own packages are optional, so their errors are known by the module they come
        # from.
        if type(error).__module__.partition(".")[0] not in ("duckdb", "_duckdb", "google"):
            raise
        raise explained(str(error)) from error


def _first_of(error: BaseException) -> BaseException:
    """What went wrong first, where cleaning up went wrong too."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def explained(text: str) -> MicroconvError:
    """What a warehouse said, as a sentence with what to do about it."""
    if "Could not set lock on file" in text:
        holder = re.search(r"Conflicting lock is held in (.+?\(PID \d+\))", text)
        by = f" by {holder.group(1)}" if holder else ""
        return MicroconvError(
            f"The DuckDB file is in use{by}.",
            "DuckDB allows one writer or many readers: wait for the build, or close the "
            "other program.",
            FINDINGS,
        )
    sentence = " ".join(text.split())
    if _FULL.search(text):
        return MicroconvError(
            f"There is no space left to write to: {sentence}",
            "Make room, then run it again; the tables are as they were.",
            FINDINGS,
        )
    if _CLOSED.search(text):
        return MicroconvError(
            f"The DuckDB file cannot be written: {sentence}",
            "Look at the permissions of the file and of its folder, which takes its log.",
            FINDINGS,
        )
    return MicroconvError(
        f"The warehouse or its profile said: {sentence}", "Try `dbt debug`.", FINDINGS
    )


def _plain(value: Any) -> Cell:
    """A cell as plain Python: dbt hands every number over as a Decimal."""
    if isinstance(value, Decimal):
        return (
            int(value)
            if value == value.to_integral_value() and value.as_tuple().exponent == 0
            else float(value)
        )
    return value
