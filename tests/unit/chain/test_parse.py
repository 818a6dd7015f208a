"""What a block's header may say: anything at all."""

from __future__ import annotations

import pytest

from node.chain import parse
from node.chain.failures import UnavailableError


@pytest.mark.parametrize("field", ["number", "timestamp"])
def test_block__number_that_no_journal_stores__is_refused(field: str) -> None:
    header = {"number": "0x1", "timestamp": "0x1", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32}
    assert parse.block(header | {field: hex(2**63 - 1)})
    with pytest.raises(UnavailableError, match="beyond 63 bits"):
        parse.block(header | {field: hex(2**63)})
