"""Every module that turns bytes into values: where it is fuzzed, or why it reads nothing foreign.

A module is in one of the two tables if it names one of `PRIMITIVES`; a test compares both with the tree.
"""

from __future__ import annotations

from typing import Final

PRIMITIVES: Final = (
    "json.loads", "json.load", "tomllib.loads", "tomllib.load", "csv.reader", "msgspec.json.decode",
    "msgspec.json.Decoder", "msgspec.msgpack.decode", "msgspec.msgpack.Decoder", "zlib.decompress",
    "zlib.decompressobj", "rlp.decode", "base64.b32decode", "load_pem_private_key", "x509.load_pem_x509_certificate",
    "x509.load_pem_x509_csr", "load_file", "eth_abi.abi.decode", "PragueTransactionBuilder.decode",
)  # fmt: skip
"""The calls with which decoding begins, as they stand in the sources."""

FUZZED: Final = {
    "node.agreement.messages": "test_gossip",
    "node.chain.endpoints.answers": "test_chain",
    "node.chain.failures": "test_chain",
    "node.chain.interface": "test_chain",
    "node.cli.status": "test_http",
    "node.config.load": "test_files",
    "node.content.cid": "test_content",
    "node.content.metadata": "test_content",
    "node.deployment.file": "test_files",
    "node.devnet.history": "test_files",
    "node.devnet.evm.transactions": "test_rlp",
    "node.gossip.envelope": "test_gossip",
    "node.journal.safety.protection_file": "test_files",
    "node.keys.authority": "test_files",
    "node.keys.certificates": "test_files",
    "node.keys.signing": "test_files",
    "node.keys.transport": "test_files",
    "node.publish.kubo": "test_http",
    "node.publish.link": "test_http",
    "node.render.document": "test_files",
    "node.staking.evidence": "test_files",
    "node.render.tolerance.folder": "test_render",
    "node.render.tolerance.picture": "test_render",
    "node.render.worker.wire": "test_render",
}
"""Module -> the test here that feeds it."""

ALSO_FUZZED: Final = {
    "node.chain.sending.accounts": "test_chain",
    "node.chain.client": "test_chain",
    "node.chain.endpoints.endpoint": "test_chain",
    "node.chain.logs": "test_chain",
    "node.chain.parse": "test_chain",
    "node.chain.proof": "test_chain",
    "node.agreement.signature": "test_chain",
    "node.content.car": "test_content",
    "node.content.dag": "test_content",
    "node.content.gateway": "test_http",
    "node.content.protobuf": "test_content",
    "node.content.store": "test_content",
    "node.content.trustless": "test_http",
    "node.content.unixfs": "test_content",
    "node.chain.header": "test_rlp",
    "node.content.walk": "test_content",
    "node.export.which": "test_content",
    "node.gossip.verifier": "test_gossip",
    "node.journal.backup.proven": "test_rlp",
    "node.keys.secrets": "test_files",
    "node.artworks.peers": "test_http",
    "node.preflight.survey": "test_http",
    "node.publish.pinning": "test_http",
    "node.render.reading": "test_files",
    "node.verify.blocks": "test_http",
    "node.verify.seeds": "test_rlp",
    "node.web.app": "test_http",
    "node.web.guard": "test_http",
    "node.web.thumbnails": "test_render",
}
"""Modules that decode with no library: by their own offsets, or with what those above return."""

NOT_FOREIGN: Final = {
    "node.cli.recipe": "a recipe that this very command made",
    "node.devnet.evm.blocks": "RLP that the embedded chain itself wrote",
    "node.devnet.evm.execution": "what contracts on the embedded chain return, of which nothing is signed",
    "node.devnet.genesis": "shipped with the package",
    "node.devnet.replay.stage": "lines of processes that this one started",
    "node.devnet.rpc.server": "requests to an embedded chain on this machine: tests/integration/devnet/test_rpc.py",
    "node.journal.configurations": "rows that this node wrote",
    "node.devnet.testnet.record": "only whether a devnet wrote the file that is in its way",
    "node.journal.rounds": "rows that this node wrote",
    "node.log.book": "log lines that this process wrote",
    "node.notices.courier": "one object of a process that this one started; the text in it is cut and made printable",
    "node.notices.send": "one object from the node that started it",
    "node.journal.safety.trail": "rows that this node wrote",
    "node.render.exact.probe": "shipped with the model, under its digest",
    "node.render.exact.renderer": "shipped with the model, under its digest",
    "node.render.ray.actor": "requests of this node to its own cluster",
    "node.render.train.card": "files of a training on this machine",
    "node.render.train.records": "files of a training on this machine",
    "node.render.train.release": "files of a training on this machine",
    "node.render.worker.loop": "requests of the process that started this worker",
}
"""Module -> why nobody else can choose what it reads."""
