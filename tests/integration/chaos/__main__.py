"""`make chaos`: every scenario at length, each on a network of its own; prints what was tried and what failed."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom

from node.devnet.anvil import find_anvil
from node.log.lines import configure
from tests.integration.chaos.arena import Layout, arena
from tests.integration.chaos.scenario import Scenario, Verdict, run
from tests.integration.chaos.scenarios import SCENARIOS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios that are asked for; 0 if nothing is wrong after any of them."""
    given = _parser().parse_args(arguments)
    configure("error", "human")
    anvil = not given.embedded and find_anvil() is not None
    print(f"on {'anvil' if anvil else 'the embedded chain'}, seed {given.seed}", flush=True)
    failed = []
    for name in given.scenario or SCENARIOS:
        scenario = SCENARIOS[name]
        if given.short and not scenario.short:
            continue
        amount = given.amount or (scenario.short if given.short else scenario.long)
        folder = Path(tempfile.mkdtemp(prefix=f"patina-chaos-{name}-", dir=given.folder))
        verdict = asyncio.run(_one(scenario, amount, given.seed, folder, anvil=anvil))
        print(("ok    " if not verdict.faults else "FAIL  ") + verdict.text(), flush=True)
        if not verdict.faults:
            shutil.rmtree(folder)
            continue
        failed.append(name)
        for fault in verdict.faults:
            print(f"      {fault}")
        chain = "" if anvil else " --embedded"
        again = f"--scenario {name} --amount {amount} --seed {given.seed}{chain}"
        print(f"      logs and journals: {folder}")
        print(f'      again: make chaos ARGS="{again}"', flush=True)
    return 1 if failed else 0


async def _one(scenario: Scenario, amount: int, seed: int, folder: Path, *, anvil: bool) -> Verdict:
    try:
        layout = await scenario.layout(
            Layout(anvil=anvil, painted=scenario.painted and amount > scenario.short), folder
        )
        async with arena(folder, seed, layout) as network:
            return await run(scenario, network, amount)
    except Exception as error:
        return Verdict(scenario.name, amount, faults=[f"could not be set up, {type(error).__name__}: {error}"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS), help="this one; may be repeated")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6), help="decides what is random")
    parser.add_argument("--amount", type=int, help="kills, outages or turns; by default many")
    parser.add_argument("--short", action="store_true", help="as much of each as make test takes")
    parser.add_argument("--embedded", action="store_true", help="the embedded chain even where anvil is installed")
    parser.add_argument("--folder", type=Path, help="where to work; by default the system's place for such files")
    return parser


if __name__ == "__main__":
    sys.exit(main())
