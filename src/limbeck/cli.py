"""The command line: arguments in, pipeline out. Human words on standard error, results on standard output."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from limbeck import __version__
from limbeck.errors import Interrupted, LimbeckError
from limbeck.interrupts import interruptible

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Distil a BERT-family teacher into a small, fast student, and prove what was kept and gained.",
)

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe in YAML.")]
Override = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a field: steps.student.updates=100.")
]
Runs = Annotated[Path, typer.Option(metavar="DIR", help="Where run folders are kept.")]
WIDE = 240
"""Columns of a table that goes to a file or a pipe, where nothing need be cut to a screen."""

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="json: results on stdout for programs.")]


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def init(
    template: Annotated[str, typer.Argument(help="Which recipe to start from; `list` names them.")] = "quickstart",
    to: Annotated[Path | None, typer.Option(help="File to write; TEMPLATE.yaml by default.")] = None,
) -> None:
    """Write a commented recipe to start from."""
    from limbeck.pipeline.templates import template_names, write_template

    if template == "list":
        typer.echo("\n".join(template_names()))
        return
    target = to or Path(f"{template}.yaml")
    written = write_template(template, target)
    _say(f"wrote {', '.join(map(str, written))}; next: limbeck plan {target}")


@app.command()
def plan(recipe: RecipePath, set_: Override = None, runs: Runs = Path("runs"), format_: Format = "text") -> None:
    """Check everything and forecast cost, without training."""
    from limbeck.display import display
    from limbeck.pipeline.planning import plan as make_plan
    from limbeck.pipeline.recipe import load_recipe

    made = make_plan(load_recipe(recipe, set_ or ()), runs, display())
    if format_ == "json":
        _print_json(made.model_dump(mode="json"))
    else:
        typer.echo(made.as_text())


@app.command()
def run(
    recipe: RecipePath,
    set_: Override = None,
    only: Annotated[str | None, typer.Option(metavar="STEP", help="Just this step and what it rests on.")] = None,
    runs: Runs = Path("runs"),
    format_: Format = "text",
) -> None:
    """Run a recipe: skip what is done, continue what was cut off."""
    from limbeck.display import display
    from limbeck.pipeline.recipe import load_recipe
    from limbeck.pipeline.running import run as run_recipe

    result = run_recipe(load_recipe(recipe, set_ or ()), runs, only, display())
    if format_ == "json":
        folders = {name: str(artifact.folder) for name, artifact in result.artifacts.items()}
        _print_json({"run": str(result.folder), "made": result.made, "skipped": result.skipped, "artifacts": folders})
    else:
        _say(f"{len(result.made)} steps made, {len(result.skipped)} skipped; {result.folder}/report.html")
        for line in result.verdicts():
            typer.echo(line)


@app.command()
def report(run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]) -> None:
    """Write a run's report.html and report.json again."""
    from limbeck.reports.html import write_report

    typer.echo(str(write_report(run_folder)))


@app.command()
def compare(
    paths: Annotated[list[Path], typer.Argument(metavar="A B ...", help="Run folders or model folders.")],
    format_: Format = "text",
) -> None:
    """Compare models or runs side by side."""
    from rich.console import Console

    from limbeck.reports.comparison import as_tables, compare

    rows = compare(paths)
    if format_ == "json":
        _print_json([row.model_dump(mode="json") for row in rows])
    else:
        Console(width=None if sys.stdout.isatty() else WIDE).print(*as_tables(rows), sep="\n")


@app.command()
def publish(
    path: Annotated[Path, typer.Argument(metavar="RUN_OR_FOLDER", help="A run's folder, or one that is ready.")],
    to: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="The model's name on the Hub.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="A field of the step: license=mit.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be uploaded; send nothing.")] = False,
    format_: Format = "text",
) -> None:
    """Upload a model with its card to the Hugging Face Hub."""
    from limbeck.display import display
    from limbeck.pipeline.publishing import ready
    from limbeck.publishing.uploading import upload

    found = ready(path, to, set_ or (), display())
    commit = None if dry_run else upload(found.folder, found.items, found.name, _say)
    if format_ == "json":
        _print_json({**found.as_data(), "commit": commit})
    elif commit is not None:
        typer.echo(commit)
    else:
        typer.echo(found.as_text())


@app.command()
def doctor(format_: Format = "text") -> None:
    """Say what is installed, what is reachable, what is missing and how to get it."""
    from limbeck.stages.doctor import doctor

    checks = doctor()
    if format_ == "json":
        _print_json([vars(check) for check in checks])
    else:
        for check in checks:
            typer.echo(f"{'ok     ' if check.ok else 'missing'}  {check.name}: {check.found}")
            if not check.ok and check.advice:
                typer.echo(f"         {check.advice}")
    if any(check.required and not check.ok for check in checks):
        raise typer.Exit(1)


@app.command()
def serve(
    models: Annotated[
        list[str], typer.Argument(metavar="[NAME=]MODEL ...", help="Exported model folders, or run folders.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for any that is free.")] = 8000,
    token: Annotated[
        list[str] | None, typer.Option(envvar="LIMBECK_TOKENS", help="Bearer token that has to be sent; more than one.")
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option("--limit", metavar="NAME=VALUE", help="Of requests: items=16, wait=0.5.")
    ] = None,
    price_per_second: Annotated[float, typer.Option(help="Dollars for a second of computing.")] = 0.0,
    threads: Annotated[int | None, typer.Option(help="Of the engine; measured without it.")] = None,
    engine: Annotated[str | None, typer.Option(help="onnxruntime or openvino; measured without it.")] = None,
    drain: Annotated[float, typer.Option(help="Seconds in which requests are still taken after SIGTERM.")] = 0.0,
) -> None:
    """Answer over HTTP: an API, a page, metrics."""
    from limbeck.stages.serve import limits_of
    from limbeck.stages.serve import serve as serve_models

    limits = limits_of(limit or (), price_per_second)
    serve_models(models, host, port, limits, tokens=token or (), threads=threads, engine=engine, drain=drain, say=_say)


@app.command()
def bench(
    target: Annotated[str, typer.Argument(metavar="URL|MODEL", help="A model's address, or an exported folder.")],
    inputs: Annotated[Path, typer.Option(help="A file with an input on each line, a text or JSON.")],
    rate: Annotated[
        list[float] | None, typer.Option(help="Requests a second; more than one. Measured without it.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="For each rate, or for all engines together.")] = 10.0,
    threads: Annotated[int | None, typer.Option(help="Of the engines; all processors without it.")] = None,
    token: Annotated[str, typer.Option(envvar="LIMBECK_TOKEN", help="Bearer token to send.")] = "",
    format_: Format = "text",
) -> None:
    """Measure a server under load, or a model's engines side by side."""
    from limbeck.stages.bench import bench_engines, bench_server
    from limbeck.stages.serve import exported

    if target.startswith(("http://", "https://")):
        rows = bench_server(target, inputs, rate or (), seconds, token, _say)
    else:
        rows = bench_engines(exported(Path(target)), inputs, threads, seconds, _say)
    if format_ == "json":
        _print_json(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the command `limbeck`; exits with the codes of `limbeck.errors`."""
    with _exit_codes(), interruptible():
        app(args=arguments, standalone_mode=True)


@contextmanager
def _exit_codes() -> Iterator[None]:
    try:
        yield
    except Interrupted as interruption:
        _fail("stopped; everything so far is saved. Run the same command again to continue", interruption.exit_code)
    except LimbeckError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()


def _print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _fail(text: str, code: int) -> None:
    typer.echo(f"limbeck: {text}", err=True)
    sys.exit(code)
