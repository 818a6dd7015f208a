"""`patina edition`: everything an artist does on chain, each command imported only when it is called."""

from __future__ import annotations

import click

from node.cli.lazy import LazyGroup

#: name -> ("module:attribute", one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "account": ("node.cli.edition.account:account", "Make the artist's account, or import its key."),
    "collection": ("node.cli.edition.network:collection", "Deploy a collection called NAME."),
    "open": ("node.cli.edition.opening:open_", "Open an edition of RECIPE on a vault."),
    "show": ("node.cli.edition.show:show", "Show the collection's editions, or one of them."),
    "mint": ("node.cli.edition.selling:mint", "Buy tokens of EDITION."),
    "close": ("node.cli.edition.selling:close", "End the sale of EDITION."),
    "reveal": ("node.cli.edition.revealing:reveal", "Draw and reveal the seed of EDITION."),
    "fund": ("node.cli.edition.funds:fund", "Give the feed of EDITION so much ETHER to pay for its reports."),
    "defund": ("node.cli.edition.funds:defund", "Announce to take ETHER out of the funds of EDITION's feed."),
    "take-funds": (
        "node.cli.edition.funds:take_funds",
        "Have paid out what was announced to be taken out of EDITION's funds.",
    ),
    "proceeds": ("node.cli.edition.selling:proceeds", "Take what the collection has earned to ADDRESS."),
    "royalty": ("node.cli.edition.changing:royalty", "Ask for PERCENT of later sales of EDITION."),
    "contract-uri": (
        "node.cli.edition.changing:contract_uri",
        "Name URI as the place of the collection's own metadata.",
    ),
    "hand-over": ("node.cli.edition.changing:hand_over", "Offer the collection to ADDRESS."),
    "take-over": (
        "node.cli.edition.changing:take_over",
        "Become the artist of a collection that was offered to this account.",
    ),
    "allow": ("node.cli.edition.network:allow", "Let ADDRESS open feeds on the network's oracle."),
    "aggregator": ("node.cli.edition.network:aggregator", "Deploy the AggregatorV3 facade of FEED."),
    "subscribe": ("node.cli.edition.network:subscribe", "Have the contract at ADDRESS told of FEED's reports."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def edition() -> None:
    """Open, sell, close and reveal editions of a collection."""
