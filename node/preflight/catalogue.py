"""Every code of `patina check`: what is looked at, and what to do where it is not well. The documentation's table."""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """What a code stands for, and the remedy unless a finding has a better one."""

    looks: str
    remedy: str


_PROVIDER: Final = "name another endpoint in chain.endpoints, or ask its provider"
_LATER: Final = "run patina check again; if it stays so, report it with what --json prints"

CATALOGUE: Final[dict[str, Entry]] = {
    "configuration.settings": Entry(
        "The file is TOML; every section and key is known, of its kind, within its limits, and fits the others.",
        "mend the key in config.toml; patina config example explains each",
    ),
    "configuration.files": Entry(
        "Every file that is named is there, and the TLS files fit together.", "create the file, or correct its path"
    ),
    "configuration.permissions": Entry(
        "Files with keys, passwords or endpoint URLs can be read by this user alone.", "run: chmod 600 on the file"
    ),
    "keys.signing": Entry(
        "The signing keystore opens with the password that the node would use; its address is shown.",
        "correct the password file or PATINA_SIGNING_PASSWORD; patina keys list shows the files",
    ),
    "keys.transport": Entry(
        "The transport key opens with the password that the node would use; its public key is shown.",
        "correct the password file or PATINA_TRANSPORT_PASSWORD; patina keys list shows the files",
    ),
    "keys.registered": Entry(
        "The signing address and the transport key are the pair that the chain has for this node.",
        "register the keys that this configuration names: patina stake rotate-key, or restore the registered ones",
    ),
    "keys.use": Entry(
        "No other process on this machine runs with this key from another folder.",
        "stop the other node: one key must run once",
    ),
    "journal.lock": Entry(
        "Whether a node holds the journal. One that runs is no fault: the journal is then read beside it.",
        "check the owner and the mode of the state folder",
    ),
    "journal.schema": Entry(
        "The journal's version is this software's. An older one is brought up to date on a copy, which shows that the "
        "node's next start can.",
        "upgrade the node: a newer version wrote this journal",
    ),
    "journal.integrity": Entry(
        "SQLite's integrity check over the whole file.", "restore a backup of the journal; do not start without it"
    ),
    "journal.identity": Entry(
        "The journal belongs to the configured chain, oracle and signing key.",
        "give each network and each key a node.directory of its own",
    ),
    "journal.age": Entry(
        "What the chain and this machine know of this key's signatures is in the journal: it is no old copy.",
        "restore the newest journal, or import the missing protection: patina protection import",
    ),
    "endpoints.answers": Entry("The endpoint answers JSON-RPC requests in time.", _PROVIDER),
    "endpoints.chain": Entry("It serves the configured chain.", "correct chain.id, or name an endpoint of that chain"),
    "endpoints.network": Entry(
        "Its first block is the network's, and the oracle stands there with the same code as elsewhere.",
        "name an endpoint of the network that the oracle stands on",
    ),
    "endpoints.head": Entry(
        "Its newest block is not further behind the other endpoints' than chain.max_lag_blocks.", _PROVIDER
    ),
    "endpoints.finality": Entry(
        "It tells what chain.finality needs, and its final block is not far behind.",
        "name an endpoint that knows the tag finalized, or set chain.finality to a number of confirmations",
    ),
    "endpoints.history": Entry(
        "It has the state of the oldest block that a served feed's window needs now.",
        "name an endpoint that keeps more old state (an archive); without one the node abstains until it has sampled",
    ),
    "endpoints.logs": Entry(
        "It answers queries for the oracle's events over the range that the node asks for.", _PROVIDER
    ),
    "endpoints.latency": Entry("The time of an answer, the median of several.", _PROVIDER),
    "endpoints.websocket": Entry(
        "The WebSocket accepts a subscription to new blocks.",
        "correct the URL in chain.websockets, or remove it: the node polls without it",
    ),
    "endpoints.witnesses": Entry(
        "As many endpoints as chain.witnesses are sound, of different hosts: one alone is believed whatever it says.",
        "add an endpoint of another provider to chain.endpoints",
    ),
    "clock.offset": Entry(
        "This machine's clock against the Date headers of the endpoints.", "let the machine set its clock (NTP)"
    ),
    "clock.chain": Entry(
        "This machine's clock against the newest block's time.",
        "let the machine set its clock (NTP); if it is right, the chain or the endpoint stands still",
    ),
    "contracts.oracle": Entry(
        "The oracle stands at the configured address and answers.", "correct chain.oracle, or name another network"
    ),
    "contracts.configuration": Entry(
        "The committee in force, and its config digest: the one that this software computes.",
        "upgrade the node, or take the network's present deployment file",
    ),
    "contracts.multicall": Entry(
        "Multicall3 stands at chain.multicall and answers.", "set chain.multicall to where this chain has it"
    ),
    "contracts.staking": Entry(
        "The staking contract that is configured is the one that the oracle obeys.",
        "correct staking.contract, or take the network's present deployment file",
    ),
    "contracts.feeds": Entry("The feeds that feeds.serve names exist.", "correct feeds.serve"),
    "contracts.collection": Entry(
        "The collection of every served feed has the edition that the feed paints.",
        "ask whoever opened the feed, or leave it out of feeds.serve",
    ),
    "contracts.deployment": Entry(
        "Everything that patina check-deployment holds against the deployment file, if there is one.",
        "run patina check-deployment for all of it; do not join a network that is not what its file says",
    ),
    "stake.seat": Entry(
        "Whether this node has a seat in the committee in force.",
        "patina join earns a seat; without staking, give the committee's owner both keys (patina keys list)",
    ),
    "stake.bond": Entry(
        "Whether the bond reaches the minimum, and keeps or wins a seat at the next rotation.",
        "patina stake bond raises it; patina stake status shows more",
    ),
    "stake.balance": Entry(
        "Whether the signing account can pay for reports at the present price of gas.",
        "send coin to the signing address",
    ),
    "stake.fees": Entry(
        "Whether transmit.max_fee_gwei is above the present price of gas.", "raise transmit.max_fee_gwei, or wait"
    ),
    "brokers.reachable": Entry(
        "The broker's host and port take a connection, and with mqtts a TLS handshake.",
        "correct the broker's url, or ask whoever runs it",
    ),
    "brokers.certificate": Entry(
        "How long the broker's certificate is good for.", "ask whoever runs the broker to renew it"
    ),
    "brokers.own-certificate": Entry(
        "How long this node's certificate at the broker is good for.",
        "ask the committee's authority for a new one: patina certs",
    ),
    "brokers.login": Entry(
        "The broker lets this node in with its user name, password or certificate.",
        "correct username and password_file of that broker, or ask whoever runs it",
    ),
    "brokers.round-trip": Entry(
        "What this node publishes under its name comes back to it, as the access rules must allow; and how soon.",
        "ask whoever runs the broker to let this node read patina/# and write under its own name",
    ),
    "brokers.password": Entry("No password travels in clear over a network.", "use an mqtts:// url for this broker"),
    "machine.user": Entry(
        "Whether this runs as the user whose the node's folder is.",
        "run patina check as the user that the node runs as, such as sudo -u patina patina check",
    ),
    "machine.space": Entry("Free space on the disk of node.directory.", "free some space, or move node.directory"),
    "machine.write": Entry(
        "The state folder takes a write, and how long fsync takes there: every promise waits for one.",
        "check the folder's owner, its mode and the disk; put node.directory on a local SSD",
    ),
    "machine.memory": Entry(
        "Memory for the node and its render workers.", "lower render.workers or render.batch, or add memory"
    ),
    "machine.files": Entry(
        "How many files and connections the node may have open.", "raise the limit: ulimit -n 4096, or LimitNOFILE="
    ),
    "renderer.worker": Entry(
        "A render worker starts as the node starts it, has this software's model and proves exact on this machine.",
        'see the reason; render.engine = "numpy" draws without torch',
    ),
    "renderer.picture": Entry(
        "A known picture, drawn by that worker, has the known digest.",
        "do not sign with this machine: install the same versions as constraints.txt, or choose another render.engine",
    ),
    "renderer.time": Entry(
        "Whether every served edition can be drawn within agreement.render_ms.",
        "raise render.workers, use a GPU, or serve fewer feeds; the network waits render_ms for a slow node",
    ),
    "renderer.recipes": Entry(
        "The recipe of every served edition is in render.recipes or at a content peer, and of this model.",
        "put the recipe's JSON into render.recipes, or name a content peer that has it",
    ),
    "content.peers": Entry(
        "Every content peer answers as a gateway.", "correct content.peers, or remove the one that is gone"
    ),
    "content.publishing": Entry(
        "Every publishing target takes connections and answers as an IPFS node's API.",
        "correct the target in the configuration, or start the IPFS node",
    ),
    "web.port": Entry(
        "The port of the node's pages is free, or this node itself answers there.",
        "stop the program that uses it, or choose another web.port",
    ),
    "web.metrics-port": Entry(
        "The port for metrics alone is free, where there is one, or this node itself holds it.",
        "stop the program that uses it, or choose another web.metrics_port",
    ),
    "notices.targets": Entry(
        "The targets of notices can be used; nothing is sent.", "mend the target; patina notices test sends a message"
    ),
    "check.unknown": Entry("A whole subject that could not be looked at, and why.", _LATER),
    "check.hung": Entry("A check that did not end in time; what it had found by then is told.", _LATER),
    "check.crashed": Entry("A check that failed itself.", _LATER),
}
