# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Yield vault
@license AGPL-3.0-only
@notice An ERC-4626 vault whose yield and losses are real transfers of its asset from and to a strategy account, so that a
        replay can make the share price read what history says.
@dev snekmate's erc4626 prices by balance and virtual shares. With
       A = totalAssets(), T = totalSupply() + 10 ** offset (the virtual shares), S = 10 ** decimals() (one share)
     it answers convertToAssets(S) = S * (A + 1) // T.

     The rule for a wanted price P (in the asset's smallest units for one whole share): make totalAssets() equal to
       ceil(P * T / S) - 1
     which `assets_at(P)` computes and `gap(P)` turns into the profit or the loss to report. It is exact for every P >= 1 as
     soon as T >= S (one whole share, virtual ones included, exists): one unit of asset then moves the price by at most one
     unit, so no price is stepped over. Proof: with x = ceil(P * T / S) we have P * T / S <= x < P * T / S + 1, hence
     P <= S * x / T < P + S / T <= P + 1.

     A plain transfer of the asset to the vault moves the price as well: pricing by balance is the behaviour of
     many real vaults, and what the oracle's median over a window is there for.
"""


from ethereum.ercs import IERC20
from ethereum.ercs import IERC4626
from snekmate.extensions import erc4626


implements: IERC4626


initializes: erc4626


exports: erc4626.__interface__


event ProfitReported:
    strategy: indexed(address)
    assets: uint256
    total_assets: uint256


event LossReported:
    strategy: indexed(address)
    assets: uint256
    total_assets: uint256


event StrategyChanged:
    previous_strategy: indexed(address)
    strategy: indexed(address)


# The account whose transfers are the vault's yield and losses.
strategy: public(address)


@deploy
def __init__(asset_: IERC20, name_: String[25], symbol_: String[5], decimals_offset_: uint8, strategy_: address):
    """
    @notice Creates an empty vault.
    @param asset_ The ERC-20 that the vault holds.
    @param name_ The share token's name.
    @param symbol_ The share token's symbol.
    @param decimals_offset_ Decimals that a share has beyond the asset's; also the power of ten of the virtual shares.
    @param strategy_ The account that reports profits and losses.
    """
    erc4626.__init__(name_, symbol_, asset_, decimals_offset_, name_, "1")
    assert strategy_ != empty(address), "vault: strategy is the zero address"
    self.strategy = strategy_
    log StrategyChanged(previous_strategy=empty(address), strategy=strategy_)


@external
@nonreentrant
def report_profit(assets: uint256):
    """
    @notice Takes a profit in: transfers assets from the strategy account to the vault without making shares.
    @dev Needs the strategy's approval of the vault on the asset.
    @param assets How much, in the asset's smallest unit.
    """
    self._check_strategy()
    assert assets != 0, "vault: nothing to report"
    assert extcall IERC20(erc4626.asset).transferFrom(msg.sender, self, assets, default_return_value=True), "vault: transfer failed"
    log ProfitReported(strategy=msg.sender, assets=assets, total_assets=erc4626._total_assets())


@external
@nonreentrant
def report_loss(assets: uint256):
    """
    @notice Books a loss: transfers assets from the vault to the strategy account without burning shares.
    @param assets How much, in the asset's smallest unit; at most everything the vault holds.
    """
    self._check_strategy()
    assert assets != 0, "vault: nothing to report"
    assert assets <= erc4626._total_assets(), "vault: loss above assets"
    assert extcall IERC20(erc4626.asset).transfer(msg.sender, assets, default_return_value=True), "vault: transfer failed"
    log LossReported(strategy=msg.sender, assets=assets, total_assets=erc4626._total_assets())


@external
def set_strategy(strategy: address):
    """
    @notice Hands the strategy role to another account.
    @param strategy The new strategy account.
    """
    self._check_strategy()
    assert strategy != empty(address), "vault: strategy is the zero address"
    self.strategy = strategy
    log StrategyChanged(previous_strategy=msg.sender, strategy=strategy)


@external
@view
def assets_at(price: uint256) -> uint256:
    """
    @notice The totalAssets() at which one whole share converts to exactly this price, by the rule above.
    @param price Wanted convertToAssets(10 ** decimals()), at least 1.
    @return uint256 The assets that the vault must hold.
    """
    return self._assets_at(price)


@external
@view
def gap(price: uint256) -> (uint256, uint256):
    """
    @notice What to report so that one whole share converts to exactly this price.
    @param price Wanted convertToAssets(10 ** decimals()), at least 1.
    @return uint256 The profit to report; zero if none is needed.
    @return uint256 The loss to report; zero if none is needed.
    """
    wanted: uint256 = self._assets_at(price)
    held: uint256 = erc4626._total_assets()
    if wanted >= held:
        return (wanted - held, 0)
    return (0, held - wanted)


@internal
@view
def _assets_at(price: uint256) -> uint256:
    """
    @notice Computes ceil(price * T / S) - 1 of the rule above.
    @param price The wanted price.
    @return uint256 The assets that the vault must hold.
    """
    assert price != 0, "vault: price is zero"
    one_share: uint256 = 10 ** convert(erc4626.erc20.decimals, uint256)
    shares: uint256 = erc4626.erc20.totalSupply + 10 ** convert(erc4626._DECIMALS_OFFSET, uint256)
    assert shares >= one_share, "vault: less than one share"
    return (price * shares + one_share - 1) // one_share - 1


@internal
@view
def _check_strategy():
    """
    @notice Refuses everyone but the strategy account.
    """
    assert msg.sender == self.strategy, "vault: caller is not the strategy"
