# SPDX-License-Identifier: AGPL-3.0-only
#pragma version 0.4.3
#pragma evm-version prague
"""
@title Dynamic collection
@license AGPL-3.0-only
@notice Living artworks. Each edition is a capped run of ERC-721 tokens bound to one feed of the oracle; a report of that feed
        repaints the whole edition by changing one 32-byte content root.
@dev Token id = edition * 1,000,000 + index, both counted from 1. An edition sells, closes and is revealed:
     its seed mixes a secret that the artist committed to at the opening with the `prevrandao` of one block after the close, so
     neither a buyer nor the artist nor a block proposer alone can choose it, and no mint can know it.
     The contract holds sale proceeds only; all of its balance is the artist's to withdraw.
     ERC-721 is snekmate's erc721 without its `permit` (whose nonce survives transfers) and without burning (the
     supply is fixed from the reveal on, and a content root covers every token).
"""


from ethereum.ercs import IERC165
from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.extensions.interfaces import IERC2981
from snekmate.tokens import erc721
from snekmate.tokens.interfaces import IERC4906
from ..oracle.interfaces import ISubscriber
from . import cid
from . import header
from . import royalties
from . import sales
from . import seeds
from . import traits


implements: IERC165
implements: IERC2981
implements: IERC4906
implements: ISubscriber


initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc721[ownable := ownable]
initializes: royalties
initializes: sales
initializes: seeds


exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    erc721.name,
    erc721.symbol,
    erc721.balanceOf,
    erc721.ownerOf,
    erc721.getApproved,
    erc721.isApprovedForAll,
    erc721.approve,
    erc721.setApprovalForAll,
    erc721.transferFrom,
    erc721.safeTransferFrom,
    erc721.totalSupply,
    erc721.tokenByIndex,
    erc721.tokenOfOwnerByIndex,
    sales.EDITION_SPAN,
    sales.MAX_SUPPLY,
    sales.MAX_QUANTITY,
    seeds.REVEAL_DELAY,
    seeds.commitment_used,
    traits.getTraitMetadataURI,
    traits.setTrait,
)


# What `edition` tells. `supply` is the cap while the edition sells, and the number of tokens sold from the close on.
struct Edition:
    supply: uint256
    minted: uint256
    price: uint256
    feed: uint256
    recipe: bytes32
    placeholder: bytes32
    commitment: bytes32
    closed_at: uint256
    reveal_block: uint256
    randomness: bytes32
    seed: bytes32
    content_root: bytes32
    state: uint8


struct Artwork:
    feed: uint256
    recipe: bytes32
    placeholder: bytes32


event EditionOpened:
    edition: indexed(uint256)
    feed: indexed(uint256)
    supply: uint256
    price: uint256
    recipe: bytes32
    placeholder: bytes32
    commitment: bytes32


event EditionClosed:
    edition: indexed(uint256)
    supply: uint256
    reveal_block: uint256


event ProceedsWithdrawn:
    receiver: indexed(address)
    amount: uint256


# ERC-7572.
event ContractURIUpdated:
    pass


# Editions above this many tokens keep their metadata in nested directories of this many files.
SHARD_SIZE: public(constant(uint256)) = 1_000

_SELLING: constant(uint8) = 1
_CLOSED: constant(uint8) = 2
_REVEALED: constant(uint8) = 3

_SUPPORTED_INTERFACES: constant(bytes4[7]) = [
    0x01FFC9A7,  # ERC-165
    0x80AC58CD,  # ERC-721
    0x5B5E139F,  # ERC-721 metadata
    0x780E9D63,  # ERC-721 enumerable
    0x2A55205A,  # ERC-2981 royalties
    0x49064906,  # ERC-4906 metadata updates
    0xAF332F3E,  # ERC-7496 dynamic traits
]

# A feed's binding is one word, so that a report reads one: the edition, its supply, and whether it is revealed.
_SUPPLY_SHIFT: constant(uint256) = 128
_REVEALED_BIT: constant(uint256) = 1 << 255
_EDITION_MASK: constant(uint256) = (1 << 128) - 1
_SUPPLY_MASK: constant(uint256) = (1 << 64) - 1


# The contract whose reports repaint, and no other.
ORACLE: public(immutable(address))


# The number that the next opened edition gets.
next_edition: public(uint256)
# Collection-level metadata (ERC-7572).
contractURI: public(String[512])

_artworks: HashMap[uint256, Artwork]
_roots: HashMap[uint256, bytes32]
_bindings: HashMap[uint256, uint256]


@deploy
def __init__(
    name_: String[25], symbol_: String[5], oracle_: address, reveal_delay_: uint256, contract_uri_: String[512]
):
    """
    @notice Creates a collection without editions; the deployer is its owner, the artist.
    @param name_ The collection's name.
    @param symbol_ The collection's symbol.
    @param oracle_ The StrategyOracle whose reports repaint the editions.
    @param reveal_delay_ Blocks from an edition's close to its reveal block.
    @param contract_uri_ Where the collection-level metadata is, or nothing.
    """
    assert oracle_.is_contract, "collection: oracle is not a contract"
    ownable.__init__()
    ownable_2step.__init__()
    erc721.__init__(name_, symbol_, "", name_, "1")
    seeds.__init__(reveal_delay_)
    ORACLE = oracle_
    self.next_edition = 1
    self.contractURI = contract_uri_


@external
def open_edition(
    supply: uint256,
    price: uint256,
    feed: uint256,
    recipe: bytes32,
    placeholder: bytes32,
    commitment: bytes32,
    royalty_receiver: address,
    royalty_basis_points: uint96,
) -> uint256:
    """
    @notice Opens the next edition for sale.
    @dev The feed comes first: it names this collection and `next_edition()`, and is checked to.
    @param supply The most tokens that can be sold, 1 to 999,999.
    @param price Wei per token.
    @param feed The oracle's feed that the edition lives on.
    @param recipe The sha2-256 digest of the recipe's canonical JSON.
    @param placeholder The digest of the directory that is shown until the first report after the draw.
    @param commitment keccak256 of a 32-byte secret that the artist keeps until the draw.
    @param royalty_receiver Who is owed royalties (ERC-2981), or the zero address for none.
    @param royalty_basis_points The royalty in hundredths of a percent of the sale price.
    @return uint256 The edition's number.
    """
    ownable._check_owner()
    assert recipe != empty(bytes32), "collection: no recipe"
    assert placeholder != empty(bytes32), "collection: no placeholder"
    edition: uint256 = self.next_edition
    source: traits.Feed = staticcall traits.StrategyFeeds(ORACLE).feed(feed)
    assert source.collection == self and source.edition == edition, "collection: feed of something else"
    assert self._bindings[feed] == 0, "collection: feed already bound"

    self.next_edition = edition + 1
    sales._open(edition, supply, price)
    self._artworks[edition] = Artwork(feed=feed, recipe=recipe, placeholder=placeholder)
    self._bindings[feed] = edition | (supply << _SUPPLY_SHIFT)
    log EditionOpened(
        edition=edition,
        feed=feed,
        supply=supply,
        price=price,
        recipe=recipe,
        placeholder=placeholder,
        commitment=commitment,
    )
    seeds._commit(edition, commitment)
    royalties._set(edition, royalty_receiver, royalty_basis_points)
    return edition


@external
@payable
@nonreentrant
def mint(edition: uint256, to: address, quantity: uint256):
    """
    @notice Sells the edition's next tokens for exactly their price.
    @dev Everything is settled before a receiving contract is asked whether it takes the tokens (ERC-721), once per token.
    @param edition The edition.
    @param to Who gets the tokens.
    @param quantity How many, 1 to 100.
    """
    first: uint256 = sales._sell(edition, to, quantity)
    for i: uint256 in range(quantity, bound=sales.MAX_QUANTITY):
        erc721._mint(to, first + i)

    if to.is_contract:
        for i: uint256 in range(quantity, bound=sales.MAX_QUANTITY):
            erc721._check_on_erc721_received(empty(address), to, first + i, b"")


@external
@nonreentrant
def close_edition(edition: uint256):
    """
    @notice Ends an edition's sale and names the block whose `prevrandao` will go into its seed.
    @dev What was not sold never will be. An edition that sold nothing is over.
    @param edition The edition; anyone may close it once sold out, only the artist before.
    """
    sale: sales.Sale = sales._selling(edition)
    if sale.minted < sale.supply:
        ownable._check_owner()
    supply: uint256 = sales._close(edition)
    self._bindings[self._artworks[edition].feed] = edition | (supply << _SUPPLY_SHIFT)
    log EditionClosed(edition=edition, supply=supply, reveal_block=seeds._arm(edition))


@external
def record_randomness(edition: uint256, header_rlp: Bytes[header.MAX_HEADER]):
    """
    @notice Stores the `prevrandao` of the edition's reveal block, proven by that block's header. Anyone may call.
    @param edition The edition.
    @param header_rlp The RLP header of exactly the reveal block, at most 8,191 blocks old (256 on chains without EIP-2935).
    """
    sales._closed(edition)
    seeds._record(edition, header_rlp)


@external
def rearm(edition: uint256):
    """
    @notice Names a new reveal block, once no header of the last one can be proven any more. Anyone may call.
    @param edition The edition.
    """
    sales._closed(edition)
    seeds._rearm(edition)


@external
def reveal(edition: uint256, secret: bytes32):
    """
    @notice Fixes the edition's seed, keccak256(secret ++ prevrandao), for good. Anyone who knows the secret may call.
    @param edition The edition.
    @param secret What keccak256 turns into the edition's commitment.
    """
    supply: uint256 = sales._closed(edition).supply
    seeds._reveal(edition, secret)
    self._bindings[self._artworks[edition].feed] = edition | (supply << _SUPPLY_SHIFT) | _REVEALED_BIT
    first: uint256 = edition * sales.EDITION_SPAN + 1
    log IERC4906.BatchMetadataUpdate(_fromTokenId=first, _toTokenId=first + supply - 1)


@external
def on_report(
    feed: uint256, checkpoint: uint64, previous_band: uint8, band: uint8, answer: int256, content_root: bytes32
):
    """
    @notice Takes a report of the oracle: the new content root repaints the feed's edition.
    @dev Not locked, on purpose: whoever transmits could do so from within a mint's receiver call, and a lock would make the repaint
         fail there for good. Nothing here depends on a sale, and no other contract is called.
    @param feed The feed.
    @param checkpoint The checkpoint's block.
    @param previous_band The band before the report.
    @param band The band from now on.
    @param answer The agreed answer, a wad.
    @param content_root The digest of the edition's metadata directory, or zero if the artworks stay as they are.
    """
    assert msg.sender == ORACLE, "collection: caller is not the oracle"
    binding: uint256 = self._bindings[feed]
    supply: uint256 = (binding >> _SUPPLY_SHIFT) & _SUPPLY_MASK
    assert supply != 0, "collection: no edition on this feed"
    edition: uint256 = binding & _EDITION_MASK
    first: uint256 = edition * sales.EDITION_SPAN + 1
    last: uint256 = edition * sales.EDITION_SPAN + supply

    if content_root != empty(bytes32):
        assert binding & _REVEALED_BIT != 0, "collection: edition is not revealed"
        self._roots[edition] = content_root
        log IERC4906.BatchMetadataUpdate(_fromTokenId=first, _toTokenId=last)
    traits._announce(first, last, previous_band, band, answer)


@external
@nonreentrant
def withdraw_proceeds(to: address):
    """
    @notice Sends everything the contract holds, the artist's proceeds, to an account of the artist's choice.
    @param to Who gets it.
    """
    ownable._check_owner()
    assert to != empty(address), "collection: receiver is the zero address"
    amount: uint256 = self.balance
    assert amount != 0, "collection: nothing to withdraw"
    log ProceedsWithdrawn(receiver=to, amount=amount)
    raw_call(to, b"", value=amount)


@external
def set_royalty(edition: uint256, receiver: address, basis_points: uint96):
    """
    @notice Changes what an edition's resales owe.
    @param edition The edition.
    @param receiver Who is owed, or the zero address for no royalty.
    @param basis_points Hundredths of a percent of the sale price.
    """
    ownable._check_owner()
    sales._known(edition)
    royalties._set(edition, receiver, basis_points)


@external
def set_contract_uri(uri: String[512]):
    """
    @notice Points to other collection-level metadata (ERC-7572).
    @param uri The new address.
    """
    ownable._check_owner()
    self.contractURI = uri
    log ContractURIUpdated()


@external
@view
def edition(edition: uint256) -> Edition:
    """
    @notice Tells everything about an edition.
    @param edition The edition.
    @return Edition Its terms, sale, seed and content root; `state` is 1 selling, 2 closed, 3 revealed.
    """
    sale: sales.Sale = sales._known(edition)
    draw: seeds.Draw = seeds._draws[edition]
    artwork: Artwork = self._artworks[edition]
    state: uint8 = _SELLING
    if draw.seed != empty(bytes32):
        state = _REVEALED
    elif sale.closed_at != 0:
        state = _CLOSED
    return Edition(
        supply=sale.supply,
        minted=sale.minted,
        price=sale.price,
        feed=artwork.feed,
        recipe=artwork.recipe,
        placeholder=artwork.placeholder,
        commitment=draw.commitment,
        closed_at=sale.closed_at,
        reveal_block=draw.reveal_block,
        randomness=draw.randomness,
        seed=draw.seed,
        content_root=self._roots[edition],
        state=state,
    )


@external
@view
def tokenURI(token_id: uint256) -> String[230]:
    """
    @notice Composes the address of a token's metadata: ipfs://<directory>/<token id>.json, with the number of the
            sub-directory of 1,000 tokens in between when the edition has more than 1,000.
    @param token_id The token.
    @return String[230] The address: under the content root, or under the placeholder until the edition's first repaint.
    """
    erc721._require_minted(token_id)
    edition: uint256 = token_id // sales.EDITION_SPAN
    root: bytes32 = self._roots[edition]
    size: uint256 = sales._sales[edition].supply
    if root == empty(bytes32):
        # The placeholder's directory was made before the sale: the close must not change its shape.
        root = self._artworks[edition].placeholder
        size = sales._sales[edition].offered
    folder: String[80] = ""
    if size > SHARD_SIZE:
        folder = concat(uint2str((token_id % sales.EDITION_SPAN - 1) // SHARD_SIZE), "/")
    return concat("ipfs://", cid._directory_cid(root), "/", folder, uint2str(token_id), ".json")


@external
@view
def token_seed(token_id: uint256) -> bytes32:
    """
    @notice Gives the seed that a token keeps for life.
    @param token_id The token, of a revealed edition.
    @return bytes32 keccak256(edition seed ++ token id as 32 bytes).
    """
    erc721._require_minted(token_id)
    return seeds._token_seed(token_id // sales.EDITION_SPAN, token_id)


@external
@view
def royaltyInfo(token_id: uint256, sale_price: uint256) -> (address, uint256):
    """
    @notice Tells what a resale owes (ERC-2981).
    @param token_id The token.
    @param sale_price The price, in whatever unit it is paid.
    @return address Who is owed.
    @return uint256 How much, in the unit of the price.
    """
    return royalties._owed(token_id // sales.EDITION_SPAN, sale_price)


@external
@view
def getTraitValue(token_id: uint256, trait_key: bytes32) -> bytes32:
    """
    @notice Reads one trait of a token (ERC-7496): keccak256("band") or keccak256("answer").
    @param token_id The token.
    @param trait_key The trait; an unknown one reverts with TraitKeyUnknown(key).
    @return bytes32 The value that stands in the oracle.
    """
    return self._traits(token_id, [trait_key])[0]


@external
@view
def getTraitValues(token_id: uint256, trait_keys: DynArray[bytes32, traits.MAX_KEYS]) -> DynArray[bytes32, traits.MAX_KEYS]:
    """
    @notice Reads several traits of a token (ERC-7496).
    @param token_id The token.
    @param trait_keys The traits; an unknown one reverts with TraitKeyUnknown(key).
    @return DynArray The values that stand in the oracle, in the order of the keys.
    """
    return self._traits(token_id, trait_keys)


@external
@view
def supportsInterface(interface_id: bytes4) -> bool:
    """
    @notice Tells which interfaces are implemented (ERC-165).
    @param interface_id The interface's identifier.
    @return bool True for ERC-165, 721 with metadata and enumeration, 2981, 4906 and 7496.
    """
    return interface_id in _SUPPORTED_INTERFACES


@internal
@view
def _traits(token_id: uint256, keys: DynArray[bytes32, traits.MAX_KEYS]) -> DynArray[bytes32, traits.MAX_KEYS]:
    """
    @notice Reads traits of an existing token.
    @param token_id The token.
    @param keys The traits.
    @return DynArray Their values.
    """
    erc721._require_minted(token_id)
    return traits._values(ORACLE, self._artworks[token_id // sales.EDITION_SPAN].feed, keys)
