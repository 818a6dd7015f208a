"""`patina simulate`: the protocol on a virtual network that fails, and whether its promises held."""

from __future__ import annotations

import itertools
import os
import time
from typing import TYPE_CHECKING

import click

from node.cli.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.agreement.simulator.run import Outcome
    from node.agreement.simulator.scenario import Scenario
    from node.agreement.simulator.sweep import Tried


def _span(_: click.Context, __: click.Parameter, value: str | None) -> range | None:
    """`0..999` to a range that has its last seed too."""
    if value is None:
        return None
    first, dots, last = value.partition("..")
    if not (dots and first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
        raise click.BadParameter("a span of seeds is written like 0..999")
    return range(int(first), int(last) + 1)


@click.command()
@click.option("--seed", type=click.IntRange(min=0), help="Run this one seed; with --minutes, begin there.")
@click.option("--nodes", type=click.IntRange(1, 31), help="How many nodes; by default the seed decides.")
@click.option("--rounds", type=click.IntRange(1, 100_000), help="How many rounds a feed; by default the seed decides.")
@click.option("--seeds", metavar="A..B", callback=_span, help="Run all of these seeds.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Run seeds for so long.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes that share the seeds; by default one a processor.")
@click.option("-v", "--verbose", is_flag=True, help="Tell the story of a single seed, event by event.")
def simulate(
    *,
    seed: int | None,
    nodes: int | None,
    rounds: int | None,
    seeds: range | None,
    minutes: float | None,
    jobs: int | None,
    verbose: bool,
) -> None:
    """Run the protocol's own code on a simulated network that fails, and check every promise at every step.

    A seed decides everything: how many nodes and which of them are Byzantine, what gets lost, who dies when, which
    brokers go away, what the chain takes back. Exit status 1 if a promise was broken; what replays it is printed.
    """
    if seeds is not None and seed is not None:
        raise click.UsageError("--seed and --seeds exclude each other")
    if seeds is None and minutes is None:
        _one(seed or 0, nodes, rounds, verbose=verbose)
        return
    if verbose:
        raise click.UsageError("--verbose tells the story of one --seed")
    several: Iterable[int] = seeds if seeds is not None else itertools.count(seed or 0)
    processes = jobs or len(os.sched_getaffinity(0))
    _many(several, None if seeds is None else len(seeds), nodes, rounds, minutes=minutes, jobs=processes)


def _one(seed: int, nodes: int | None, rounds: int | None, *, verbose: bool) -> None:
    from node.agreement.simulator import InvariantError, drawn
    from node.agreement.simulator import simulate as run

    scenario = drawn(seed, nodes, rounds)
    click.echo(f"{scenario.command}\n")
    for line in _plan(scenario):
        click.echo(f"  {line}")
    click.echo("")

    def tell(now: int, who: int, what: str) -> None:
        click.echo(f"{now / 1000:10.3f} s  {'world ' if who < 0 else f'node {who:<2}'}  {what}")

    began = time.process_time()
    try:
        outcome = run(scenario, tell=tell if verbose else None)
    except InvariantError as error:
        click.echo(f"BROKEN {error}")
        raise SystemExit(1) from None
    for line in _came(scenario, outcome, time.process_time() - began):
        click.echo(f"  {line}")


def _plan(scenario: Scenario) -> list[str]:
    """What is going to be tried, in words."""
    byzantine = ", ".join(f"node {index} {name}" for index, name in scenario.behaviours) or "none"
    return [
        f"nodes           {scenario.nodes}, of which Byzantine: {byzantine}",
        f"rounds          {scenario.rounds} on each of {scenario.feeds} feeds, every {scenario.interval} ms;"
        f" {'each node renders its own picture' if scenario.tolerant else 'exact pictures'},"
        f" within {scenario.render} ms, {scenario.render_failure:.0%} fail",
        f"network         {scenario.brokers} brokers, {scenario.loss:.0%} lost, {scenario.duplication:.0%} doubled,"
        f" up to {scenario.delay} ms late, {len(scenario.outages)} outages, {len(scenario.censorships)} censorships",
        f"machines        die at {scenario.crash:.1%} of all steps for up to {scenario.down} ms,"
        f" {len(scenario.asleep)} late, {len(scenario.frozen)} frozen, {len(scenario.disk_full)} full disks,"
        f" clocks within {scenario.skew} ppm",
        f"chain           {len(scenario.reorganisations)} reorganisations, seen up to {scenario.stagger} ms late",
        f"until           {scenario.faults_end} ms; Byzantine nodes and drifting clocks go on",
    ]


def _came(scenario: Scenario, outcome: Outcome, seconds: float) -> list[str]:
    """What came of it, in words."""
    rounds = scenario.rounds * scenario.feeds
    troubles = ", ".join(f"{count} {name}" for name, count in sorted(outcome.troubles.items())) or "none"
    drops = ", ".join(f"{count} {name}" for name, count in outcome.drops.most_common()) or "none"
    return [
        f"every promise held: {outcome.landed} of {rounds} rounds landed, {outcome.skipped} were overtaken",
        f"views           {outcome.highest_view} at most; {outcome.views} once nothing failed any more",
        f"messages        {outcome.messages} in {outcome.virtual_ms / 1000:.1f} s of virtual time; dropped: {drops}",
        f"troubles        {troubles}; {sum(outcome.points)} steps at which a node could die",
        f"memory          {outcome.heaviest} bytes in the heaviest machine",
        f"speed           {rounds / max(seconds, 1e-9) * 60:,.0f} rounds a minute on one core",
    ]


def _many(
    seeds: Iterable[int],
    count: int | None,
    nodes: int | None,
    rounds: int | None,
    *,
    minutes: float | None,
    jobs: int,
) -> None:
    from node.agreement.simulator.sweep import Tried, sweep

    total, began = Tried(), time.monotonic()
    seconds = None if minutes is None else minutes * 60
    with Bar("simulating", count if seconds is None else seconds) as bar:
        found = sweep(
            seeds,
            nodes,
            rounds,
            jobs=jobs,
            enough=lambda: seconds is not None and time.monotonic() - began >= seconds,
        )
        for part in found:
            total.add(part)
            for failure in part.failures:
                click.echo(f"BROKEN {failure}\n")
            elapsed = time.monotonic() - began
            bar.tell(f"{total.seeds} seeds, {total.rounds} rounds, {len(total.failures)} broken")
            bar.at(total.seeds if seconds is None else min(elapsed, seconds))
    _sum_up(total, time.monotonic() - began)
    if total.failures:
        raise SystemExit(1)


def _sum_up(total: Tried, seconds: float) -> None:
    troubles = ", ".join(f"{count} {name}" for name, count in sorted(total.troubles.items())) or "none"
    click.echo(f"tried           {total.seeds} seeds, {total.rounds} rounds, {total.byzantine} Byzantine nodes")
    click.echo(f"troubles        {troubles}")
    click.echo(f"landed          {total.landed} reports; the others were overtaken by newer ones")
    click.echo(f"views           {total.highest_view} at most; {total.views} once nothing failed any more")
    click.echo(f"memory          {total.heaviest} bytes in the heaviest machine")
    click.echo(
        f"speed           {total.rounds / max(total.processor_seconds, 1e-9) * 60:,.0f} rounds a minute on one core,"
        f" {total.rounds / max(seconds, 1e-9) * 60:,.0f} on this machine, {total.messages} messages"
    )
    for failure in total.failures:
        click.echo("broken          " + failure.split("\n")[1].removeprefix("replay it: "))
    click.echo("every promise held" if not total.failures else f"{len(total.failures)} seeds broke a promise")
