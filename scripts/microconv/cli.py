"""The `microconv` command; heavy imports wait inside the commands to answer `--help` at once."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from microconv.arrival.command import wait
from microconv.audience.command import audience
from microconv.check.command import check
from microconv.cohorts.command import cohorts
from microconv.correlate.command import correlate
from microconv.cost.command import cost
from microconv.daily.command import daily
from microconv.discover.command import discover
from microconv.doctor.command import doctor
from microconv.errors import FINDINGS, MicroconvError
from microconv.experiments.command import experiments
from microconv.export.command import export
from microconv.lead_lag.command import lead_lag
from microconv.output import Verbosity, is_verbose, outlive_readers, say, set_verbosity, warn
from microconv.power.command import power
from microconv.proxy.command import proxy
from microconv.report.command import report
from microconv.score.command import score
from microconv.secrets import hide_known_secrets
from microconv.starters.command import init
from microconv.summary import summary
from microconv.validate.command import validate
from microconv.value.command import value
from microconv.watch.command import watch

# Matrices here are small: several threads of numpy's BLAS take longer than one, since they wait for
# each other. It must be said before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class PlainErrorGroup(TyperGroup):
    """Prints a MicroconvError as plain lines and exits with its code; other errors are bugs."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except MicroconvError as error:
            if is_verbose():
                warn_lines(hide_known_secrets(traceback.format_exc()))
            warn(f"microconv: {hide_known_secrets(error.message)}")
            if error.remedy:
                warn(hide_known_secrets(error.remedy))
            raise typer.Exit(error.exit_code) from error
        except (TyperException, typer.Exit, typer.Abort):
            raise
        except Exception as error:
            # A bug of ours: whoever reports it pastes what it says.
            warn_lines(hide_known_secrets(traceback.format_exc()))
            raise typer.Exit(FINDINGS) from error


def warn_lines(text: str) -> None:
    """Print several lines beside the result."""
    for line in text.splitlines():
        warn(line)


app = typer.Typer(
    cls=PlainErrorGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def print_version(is_asked: bool) -> None:
    """Say the version, and those of what it runs with."""
    if is_asked:
        from microconv.doctor.environment import own_version, versions

        python = ".".join(str(part) for part in sys.version_info[:3])
        say(f"microconv {own_version()}")
        say(f"Python {python}")
        for name, version in versions().items():
            say(f"{name} {version or 'not installed'}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            help="Show the version, and those of what it runs with.",
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No notes beside a result; errors stay.")
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Tell every statement with its time, and where an error is from.",
        ),
    ] = False,
) -> None:
    """Micro-conversion analytics for the GA4 export: checks, demo export, results.

    Exit codes: 0 all is well, 1 data, lists or tables are not, 2 the call or the configuration.
    """
    if quiet and verbose:
        raise MicroconvError("--quiet and --verbose exclude each other.", "Give one of them.")
    outlive_readers()
    chosen = Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.USUAL
    set_verbosity(chosen)


def demo(context: typer.Context) -> None:
    """Write a synthetic GA4 export of a shop or another business, with planted truth."""
    command = typer.Typer(add_completion=False, rich_markup_mode=None)
    command.command()(importlib.import_module("microconv.demo.command").demo)
    code = typer.main.get_command(command).main(
        context.args, prog_name="microconv demo", standalone_mode=False
    )
    raise typer.Exit(code if isinstance(code, int) else 0)


app.command()(audience)
app.command()(check)
app.command()(cohorts)
app.command()(correlate)
app.command()(cost)
app.command()(daily)
# The generator loads numpy and pyarrow; this stand-in hands it the arguments, `--help` included,
# so that the other commands do not wait for them.
app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(demo)
app.command()(discover)
app.command()(doctor)
app.command()(experiments)
app.command()(export)
app.command()(init)
app.command()(lead_lag)
app.command()(power)
app.command()(proxy)
app.command()(report)
app.command()(score)
app.command()(summary)
app.command()(validate)
app.command()(value)
app.command()(wait)
app.command()(watch)
