"""Compiles the deployable contracts into the ABIs and bytecode that the node ships.

A deployable contract is a Vyper file of `contracts/` named in CamelCase; modules have lower-case names. The output
depends on the sources and the compiler alone, so that a test can compare it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "contracts"
ARTIFACTS = ROOT / "node" / "chain" / "artifacts"
_REST = ("bytecode", "runtime", "immutables")


def deployable(sources: Path = SOURCES) -> list[Path]:
    """The deployable contracts' source files, sorted by contract name."""
    return sorted(sources.glob("*/[A-Z]*.vy"), key=lambda path: path.stem)


def compile_contract(path: Path) -> Any:
    """One contract as vyper's own `CompilerData`, what it imports found.

    Raises vyper's own exceptions if the source does not compile.
    """
    # The imports take a second; vyper ships no types.
    from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]
    from vyper.compiler.phases import CompilerData  # type: ignore[import-untyped]

    snekmate = find_spec("snekmate")
    if snekmate is None or not snekmate.submodule_search_locations:
        raise SystemExit("snekmate is not installed: install the dev requirements")
    library = Path(next(iter(snekmate.submodule_search_locations))).parent
    inputs = FilesystemInputBundle([library, SOURCES])
    return CompilerData(inputs.load_file(path), inputs)


def artifact(name: str, compiled: Any) -> dict[str, Any]:
    """ABI and creation bytecode (hex with 0x) of a compiled contract, and what is needed to tell the code it leaves.

    `runtime` is where in the creation bytecode the code stands that is left on chain, as [offset, length] in bytes;
    what the chain then holds is that code and the immutables behind it, each at its [offset, length] of `immutables`.
    """
    from vyper.compiler.output import build_abi_output, build_layout_output  # type: ignore[import-untyped]

    creation, runtime = compiled.bytecode, compiled.bytecode_runtime
    if creation.count(runtime) != 1:
        raise SystemExit(f"{name}: its creation bytecode does not hold its code once")
    return {
        "abi": build_abi_output(compiled),
        "bytecode": "0x" + creation.hex(),
        "runtime": [creation.index(runtime), len(runtime)],
        "immutables": dict(sorted(immutables(build_layout_output(compiled).get("code_layout", {})))),
    }


def immutables(layout: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, list[int]]]:
    """The immutables of vyper's code layout as (name, [offset, length]), those of modules with the modules' names."""
    for name, entry in layout.items():
        if isinstance(entry.get("offset"), int):
            yield prefix + name, [entry["offset"], entry["length"]]
        else:
            yield from immutables(entry, f"{prefix}{name}.")


def text(artifact: Mapping[str, Any]) -> str:
    """An artifact as its file has it: one ABI entry per line, so that a change of the ABI reads well."""
    abi = ",\n".join("  " + json.dumps(entry, sort_keys=True) for entry in artifact["abi"])
    rest = ",\n".join(f"{json.dumps(name)}: {json.dumps(artifact[name])}" for name in _REST)
    return f'{{"abi": [\n{abi}\n],\n{rest}}}\n'


def main(argv: list[str] | None = None) -> int:
    """Writes every artifact and removes those without a source; with --check only tells which are out of date."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("contracts", nargs="*", help="names of contracts; all of them if none is given")
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if anything is out of date")
    options = parser.parse_args(argv)

    sources = {path.stem: path for path in deployable()}
    unknown = set(options.contracts) - set(sources)
    if unknown:
        parser.error(f"no such contract: {', '.join(sorted(unknown))}")
    stale = False
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for name in options.contracts or sources:
        target = ARTIFACTS / f"{name}.json"
        wanted = text(artifact(name, compile_contract(sources[name])))
        if target.is_file() and target.read_text(encoding="utf-8") == wanted:
            continue
        stale = True
        if not options.check:
            target.write_text(wanted, encoding="utf-8")
        sys.stdout.write(f"{target.relative_to(ROOT)}: {'out of date' if options.check else 'written'}\n")
    for target in sorted(ARTIFACTS.glob("*.json")):
        if target.stem not in sources:
            stale = True
            if not options.check:
                target.unlink()
            sys.stdout.write(f"{target.relative_to(ROOT)}: {'has no source' if options.check else 'removed'}\n")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
