"""Foundry's `anvil` as the devnet's chain: the same accounts, contracts and finality as the embedded one has."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from node.devnet.genesis import genesis_accounts
from node.devnet.ports import free_port
from node.devnet.settings import ChainSettings
from node.errors import ChainError
from node.keys.environment import without_secrets

PROGRAM: Final = "anvil"
REMEDY: Final = "install it with: npm install --global @foundry-rs/anvil"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.05


def find_anvil() -> str | None:
    """Return the path of the `anvil` program, or None where there is none."""
    return shutil.which(PROGRAM)


@dataclass(frozen=True)
class AnvilChain:
    """A running anvil: where it is reached, and its process."""

    url: str
    process: asyncio.subprocess.Process

    async def wait(self) -> None:
        """Return never; ChainError once the process has ended by itself."""
        status = await self.process.wait()
        raise ChainError(f"{PROGRAM} ended with status {status}")


def genesis(settings: ChainSettings) -> dict[str, Any]:
    """Return the first block as geth's genesis file describes it, with the embedded chain's accounts and contracts."""
    accounts = genesis_accounts(settings).items()
    return {
        "config": {"chainId": settings.chain_id},
        "nonce": "0x0",
        "timestamp": hex(settings.genesis_time),
        "extraData": "0x",
        "gasLimit": hex(settings.gas_limit),
        "difficulty": "0x0",
        "mixHash": "0x" + "00" * 32,
        "coinbase": "0x" + "00" * 20,
        "alloc": {
            "0x" + address.hex(): {"balance": hex(balance), "nonce": hex(nonce), "code": "0x" + code.hex()}
            for address, (balance, nonce, code) in accounts
        },
    }


@asynccontextmanager
async def serve_anvil(
    settings: ChainSettings | None = None, host: str = "127.0.0.1", port: int = 0, block_interval: float = 0.0
) -> AsyncIterator[AnvilChain]:
    """Run `anvil` for as long as the context lasts; port 0 takes a free one.

    `block_interval` is the seconds between blocks, beside those that transactions make; 0: only these.

    Raises:
        ChainError: it is not installed, does not start, or cannot keep the finality that is asked for.
    """
    settings = settings or ChainSettings()
    program = find_anvil()
    if program is None:
        raise ChainError(f"{PROGRAM} is not on the PATH: {REMEDY}")
    if settings.finality_depth < 2 or settings.finality_depth % 2:
        # Anvil calls final what lies two epochs behind the head, and an epoch has at least one slot.
        raise ChainError(f"finality depth {settings.finality_depth}: {PROGRAM} keeps an even one from 2 up")
    port = port or free_port(host)
    with tempfile.TemporaryDirectory(prefix="patina-anvil-") as folder:
        file = Path(folder) / "genesis.json"
        await asyncio.to_thread(file.write_text, json.dumps(genesis(settings)), "ascii")
        command = _command(program, settings, host, port, file, block_interval)
        # What it says goes where this process's own errors go; standard output may be somebody's to read.
        nothing = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            *command, stdin=nothing, stdout=nothing, start_new_session=True, env=without_secrets()
        )
        try:
            chain = AnvilChain(f"http://{host}:{port}", process)
            await _answers(chain, settings)
            yield chain
        finally:
            await _end(process)


def _command(
    program: str, settings: ChainSettings, host: str, port: int, genesis_file: Path, block_interval: float
) -> list[str]:
    command = [
        program,
        *("--host", host),
        *("--port", str(port)),
        *("--init", str(genesis_file)),
        *("--chain-id", str(settings.chain_id)),
        *("--timestamp", str(settings.genesis_time)),
        *("--gas-limit", str(settings.gas_limit)),
        *("--block-base-fee-per-gas", str(settings.base_fee)),
        *("--slots-in-an-epoch", str(settings.finality_depth // 2)),
        *("--hardfork", "prague"),
        *("--accounts", "0"),
        *("--cache-path", str(genesis_file.parent / "cache")),
        "--disable-min-priority-fee",
        "--quiet",
    ]
    if block_interval > 0:
        command += ["--mixed-mining", "--block-time", str(block_interval)]
    return command


async def _answers(chain: AnvilChain, settings: ChainSettings) -> None:
    """Wait until it answers, and give its clock the embedded chain's pace."""
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def rpc(method: str, *params: object) -> object:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            async with session.post(chain.url, json=body) as response:
                answer: dict[str, object] = await response.json()
                return answer.get("result")

        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    if chain.process.returncode is not None:
                        raise ChainError(
                            f"{PROGRAM} did not start (status {chain.process.returncode}): is {chain.url} taken?"
                        )
                    with contextlib.suppress(aiohttp.ClientError):
                        if await rpc("eth_chainId") == hex(settings.chain_id):
                            break
                    await asyncio.sleep(_LOOK_SECONDS)
                await rpc("anvil_setBlockTimestampInterval", settings.block_time)
        except TimeoutError:
            raise ChainError(f"{PROGRAM} did not answer within {_START_SECONDS:.0f} s") from None


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    # npm's `anvil` is a script that starts the program proper: should the script have been killed, that one lives on.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
