"""Builds sdist and wheel into dist/: from tracked files alone, and the same bytes for the same commit."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("node", "keepers")
"""What is installed; everything that git tracks there is in the wheel, which a test compares."""
BESIDE: Final = ("pyproject.toml", "README.md", "LICENSE", "contracts/LICENSE", "constraints.txt")
"""What building, and whoever reads an sdist, needs besides the packages."""


@click.command()
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "dist", help="The folder to build into.")
def main(output: Path) -> None:
    """Build sdist and wheel; what the folder holds of an older build stays.

    Times in both are SOURCE_DATE_EPOCH, by default the commit's.
    """
    for built in build(output):
        click.echo(f"{built.stat().st_size / 2**20:6.1f} MiB  {built}")


def build(output: Path, epoch: int | None = None, root: Path = ROOT) -> list[Path]:
    """Build sdist, and from it the wheel; their paths. CalledProcessError where a step fails.

    `root` is where the tracked files are taken from: a checkout, or what `export` made of one.
    """
    moment = epoch if epoch is not None else commit_time()
    with tempfile.TemporaryDirectory(prefix="patina-build-") as place:
        source, built = Path(place) / "source", Path(place) / "dist"
        export(source, root)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(moment), "PYTHONHASHSEED": "0"}
        # Without isolation nothing is fetched: setuptools is the environment's own, of the pinned version.
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(source)]
        # S603: the program is this Python, and the paths are ours.
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            done.check_returncode()
        output.mkdir(parents=True, exist_ok=True)
        found = []
        for path in sorted(built.iterdir()):
            target = output / path.name
            if path.name.endswith(".tar.gz"):
                target.write_bytes(normalise(path.read_bytes(), moment))
            else:
                shutil.copyfile(path, target)
            found.append(target)
    return found


def tracked(*under: str) -> list[str]:
    """What git tracks there and the working tree has, relative to the root."""
    git = shutil.which("git") or "git"
    listed = subprocess.run(  # noqa: S603 - git, and paths of ours
        [git, "ls-files", "-z", "--", *under], cwd=ROOT, capture_output=True, check=True
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def export(target: Path, root: Path = ROOT) -> None:
    """Copy what is tracked, with modes that no umask decides: an editor's leftovers do not get into a wheel."""
    for name in tracked(*PACKAGES, *BESIDE):
        if not (root / name).is_file():
            continue
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, path)
        path.chmod(0o644)


def commit_time() -> int:
    """SOURCE_DATE_EPOCH where it is set, else the time of the commit (seconds)."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    git = shutil.which("git") or "git"
    shown = subprocess.run(  # noqa: S603 - git
        [git, "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return int(shown.stdout)


def normalise(archive: bytes, moment: int) -> bytes:
    """An sdist with sorted members, one time, and no owner: setuptools writes when and by whom it was built."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as given,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as written,
    ):
        for member in sorted(given.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = moment, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() else 0o644
            member.pax_headers = {}
            written.addfile(member, given.extractfile(member) if member.isfile() else None)
    return gzip.compress(packed.getvalue(), mtime=moment)


if __name__ == "__main__":
    main()
