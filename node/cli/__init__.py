"""The `patina` program: one table of commands, each imported only when it is called."""

from __future__ import annotations

import click

from node.cli.lazy import LazyGroup

#: name -> ("module:attribute", one line of help; a test compares it with the command's own)
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("node.cli.init:init", "Set up a new node in a folder of its own."),
    "keys": ("node.cli.keys:keys", "Show, make or import this node's keys."),
    "certs": ("node.cli.certs:certs", "Make and renew certificates for brokers and nodes."),
    "protection": (
        "node.cli.protection:protection",
        "Export, import and examine what keeps this key from signing twice.",
    ),
    "db": ("node.cli.db:db", "Back up, restore, migrate and examine the journal, the node's database."),
    "join": (
        "node.cli.join:join",
        "Earn a seat in the committee: register this node, bond, and wait for the era's end.",
    ),
    "stake": ("node.cli.stake:stake", "Look after a node's bond, seat and rewards."),
    "check": ("node.cli.check:check", "Test everything that a node needs before it matters."),
    "run": ("node.cli.run:run", "Run the node until SIGTERM or Ctrl-C."),
    "status": ("node.cli.status:status", "Show what the node that runs with this configuration is doing."),
    "notices": (
        "node.cli.notices:notices",
        "Show what this node told its operator, and test where it is told.",
    ),
    "tx": ("node.cli.tx:tx", "List this node's transactions, and say what one that is stuck waits for."),
    "report": ("node.cli.report:report", "Print the landed report of FEED for CHECKPOINT."),
    "check-deployment": (
        "node.cli.check_deployment:check_deployment",
        "Check that what stands on chain is what FILE says and what this package's sources make.",
    ),
    "verify": (
        "node.cli.verify:verify",
        "Verify TOKEN of COLLECTION from chain data and content alone, and render it again.",
    ),
    "export": ("node.cli.export:export", "Write EDITION as a CAR that other IPFS tools read, or as plain files."),
    "publish": ("node.cli.publish:publish", "Bring an edition to IPFS nodes and pinning services."),
    "explain": ("node.cli.explain:explain", "Tell in words why TOKEN looks as it does."),
    "render": ("node.cli.render:render", "Draw RECIPE, a JSON file, in a band and under signals, to a PNG file."),
    "recipe": ("node.cli.recipe:recipe", "Check recipes, name pipelines, and measure what a recipe may tolerate."),
    "replay": (
        "node.cli.replay:replay",
        "Replay HISTORY, a CSV file of share prices, through a whole network.",
    ),
    "demo": (
        "node.cli.demo:demo",
        "Run a network of staked nodes and replay two real share-price histories.",
    ),
    "simulate": (
        "node.cli.simulate:simulate",
        "Run the protocol's own code on a simulated network that fails, and check every promise at every step.",
    ),
    "edition": ("node.cli.edition:edition", "Open, sell, close and reveal editions of a collection."),
    "model": ("node.cli.model:model", "Make the model that paints: train, quantise, export, evaluate."),
    "devnet": ("node.cli.devnet:devnet", "Run a testnet in a box until Ctrl-C."),
    "faucet": ("node.cli.faucet:faucet", "Give ADDRESS coin on a development chain."),
    "config": ("node.cli.config:config", "Show the configuration, secrets masked."),
}

#: The commands as `patina --help` shows them; a test holds that each stands here once.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Start here", ("demo", "devnet", "init", "check", "run", "status")),
    ("Look after a node", ("config", "keys", "certs", "notices", "tx", "db", "protection")),
    ("Earn a seat", ("join", "stake", "faucet")),
    ("Look at artworks", ("explain", "verify", "report", "export")),
    ("Make artworks", ("recipe", "render", "edition", "publish", "model")),
    ("Try and examine", ("replay", "simulate", "check-deployment")),
)


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    groups=GROUPS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="patina", prog_name="patina")
def main() -> None:
    """Patina: a network of independent nodes that keeps living artworks honest.

    New here? `patina demo` shows a whole network at work on this machine; `patina init` sets up a node of your own, and
    says what comes next. Each command has a --help.
    """
