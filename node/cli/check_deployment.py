"""`patina check-deployment`: what stands on a chain, held against a deployment file and this package's sources."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.cli.options import config_option, json_option
from node.cli.sources import rpcs_option

if TYPE_CHECKING:
    from node.deployment.file import Deployment
    from node.deployment.findings import Finding, Findings
    from node.keys.secrets import SecretUrl


@click.command("check-deployment")
@click.argument("file", type=click.Path(path_type=Path))
@rpcs_option()
@config_option
@json_option
def check_deployment(file: Path, *, rpcs: tuple[str, ...], config_path: Path, as_json: bool) -> None:
    """Check that what stands on chain is what FILE says and what this package's sources make.

    Compares every contract's code byte for byte, its immutables and constructor arguments, owners, who obeys whom, the
    rules of staking and the configuration in force. Without --rpc, the endpoints of this folder's node are asked.
    Exit status 0 only if all of it holds, 1 if anything does not or could not be looked at.
    """
    import asyncio
    from importlib.metadata import version

    from node.deployment.file import load
    from node.deployment.findings import Findings

    deployment = load(file)
    endpoints = _endpoints(rpcs, config_path)
    findings = Findings(_ignore if as_json else show)
    asyncio.run(_check(deployment, endpoints, findings, version("patina")))
    if as_json:
        click.echo(json.dumps(describe(deployment, findings), indent=2))
    else:
        _show_verdict(deployment, findings)
    if not findings.hold:
        raise SystemExit(1)


def _endpoints(rpcs: Sequence[str], config_path: Path) -> list[SecretUrl]:
    from node.config.schema import HTTP
    from node.config.values import fault_of_url
    from node.keys.secrets import SecretUrl

    for rpc in rpcs:
        if fault := fault_of_url(rpc, HTTP):
            raise click.UsageError(f"--rpc: {fault}")
    if rpcs:
        return [SecretUrl(rpc) for rpc in dict.fromkeys(rpcs)]
    if not config_path.is_file():
        raise click.UsageError("name the chain's JSON-RPC URL with --rpc, or run this in a node's folder")

    from node.config import load

    return list(load(config_path, check_files=False).chain.endpoints)


async def _check(deployment: Deployment, endpoints: list[SecretUrl], findings: Findings, version: str) -> None:
    from node.chain.endpoints.pool import RpcPool
    from node.deployment.check import check

    async with RpcPool(endpoints) as pool:
        await check(deployment, pool, findings, version)


def _ignore(_: Finding) -> None:
    pass


def show(finding: Finding) -> None:
    """Print a finding on a line of its own, and under it what to do if it is not well."""
    from node.deployment.findings import Verdict

    colour = {Verdict.OK: "green", Verdict.WRONG: "red", Verdict.UNKNOWN: "yellow"}[finding.verdict]
    verdict = click.style(f"{finding.verdict:<12}", fg=colour, bold=finding.verdict is not Verdict.OK)
    what, _, name = finding.what.partition(" ") if finding.what.startswith("immutable ") else (finding.what, "", "")
    # Of an immutable the name alone: the modules before it are for programs, and would fill the line.
    shown = f"{what} {name.rpartition('.')[2]}" if name else what
    click.echo(f"{verdict}{finding.subject:<12}{shown:<{_WIDTH}} {_printable(finding.detail)}")
    if finding.remedy:
        click.echo(f"{'':<12}-> {_printable(finding.remedy)}")


_WIDTH = len("immutable _CACHED_DOMAIN_SEPARATOR")


def _show_verdict(deployment: Deployment, findings: Findings) -> None:
    from node.deployment.findings import Verdict

    bad = [one for one in findings.found if one.verdict is Verdict.WRONG]
    missed = [one for one in findings.found if one.verdict is Verdict.UNKNOWN]
    if findings.hold:
        click.secho(f"\nAll {len(findings.found)} hold: {deployment.network} is what its file says.", bold=True)
    elif bad:
        click.secho(f"\n{len(bad)} of {len(findings.found)} do NOT hold: do not use it as it is.", fg="red", bold=True)
    else:
        text = f"\n{len(missed)} of {len(findings.found)} could not be checked: nothing is proven."
        click.secho(text, fg="yellow", bold=True)


def describe(deployment: Deployment, findings: Findings) -> dict[str, Any]:
    """Return a check as JSON says it."""
    return {
        "file": str(deployment.path),
        "chain_id": deployment.chain_id,
        "network": deployment.network,
        "holds": findings.hold,
        "findings": [
            {
                "subject": one.subject,
                "what": one.what,
                "verdict": str(one.verdict),
                "detail": one.detail,
                "remedy": one.remedy,
            }
            for one in findings.found
        ],
    }


def _printable(text: str) -> str:
    """Text from elsewhere, without anything that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
