# pragma version 0.4.3
# pragma evm-version prague
# SPDX-License-Identifier: AGPL-3.0-only
"""
@title Brings many calls to a contract in one transaction
@license AGPL-3.0-only
"""


@external
def relay(target: address, calls: DynArray[Bytes[4096], 4]):
    """
    @param target The contract.
    @param calls What it is called with, in this order.
    """
    for call: Bytes[4096] in calls:
        raw_call(target, call)
