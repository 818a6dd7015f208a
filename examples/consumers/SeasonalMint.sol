// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// -- docs: interfaces
interface IAggregatorV3 {
    function decimals() external view returns (uint8);

    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}

interface ISubscriber {
    function on_report(
        uint256 feed,
        uint64 checkpoint,
        uint8 previousBand,
        uint8 band,
        int256 answer,
        bytes32 contentRoot
    ) external;
}

// -- docs: end
/// @title One token an account and season, to be had only while the vault has grown enough.
/// @notice A season begins when the feed changes its band, which the callback tells. Whether anything can be had is read
///         from the AggregatorV3 facade at the moment of the claim. The tokens are a ledger and no more: what they stand
///         for (an ERC-721, a seat, a discount) is for whoever builds on it.
contract SeasonalMint is ISubscriber {
    error NotTheOracle();
    error AnotherFeed();
    error Stale();
    error NotGrownEnough(int256 answer);
    error ClaimedAlready();

    event SeasonBegan(uint64 indexed season, uint8 band);
    event Claimed(uint256 indexed token, address indexed owner, uint64 indexed season);

    address public immutable ORACLE;
    uint256 public immutable FEED;
    IAggregatorV3 public immutable AGGREGATOR;
    /// @notice The least growth, with the aggregator's decimals: 0.01e18 is one per cent.
    int256 public immutable LEAST;
    /// @notice Seconds after which a report is too old to go by.
    uint256 public immutable MAX_AGE;

    /// @notice The checkpoint of the report that changed the band last; 0 before the first.
    uint64 public season;
    uint256 public supply;
    mapping(uint256 token => address) public ownerOf;
    mapping(uint64 season => mapping(address => bool)) public hasClaimed;

    constructor(address oracle, uint256 feed, IAggregatorV3 aggregator, int256 least, uint256 maxAge) {
        require(aggregator.decimals() == 18, "another unit");
        (ORACLE, FEED, AGGREGATOR, LEAST, MAX_AGE) = (oracle, feed, aggregator, least, maxAge);
    }

    /// @notice Takes this season's token for the caller.
    function claim() external returns (uint256 token) {
        int256 answer = _answer();
        if (answer < LEAST) revert NotGrownEnough(answer);
        if (hasClaimed[season][msg.sender]) revert ClaimedAlready();
        hasClaimed[season][msg.sender] = true;
        token = ++supply;
        ownerOf[token] = msg.sender;
        emit Claimed(token, msg.sender, season);
    }

    // -- docs: read
    /// @dev Reverts before the first report. An answer below zero is a loss, and as good an answer as any other.
    function _answer() private view returns (int256 answer) {
        uint256 updatedAt;
        (, answer, , updatedAt, ) = AGGREGATOR.latestRoundData();
        if (block.timestamp - updatedAt > MAX_AGE) revert Stale();
    }

    // -- docs: end
    // -- docs: callback
    /// @inheritdoc ISubscriber
    function on_report(
        uint256 feed,
        uint64 checkpoint,
        uint8 previousBand,
        uint8 band,
        int256,
        bytes32
    ) external {
        if (msg.sender != ORACLE) revert NotTheOracle();
        if (feed != FEED) revert AnotherFeed();
        if (band != previousBand) {
            season = checkpoint;
            emit SeasonBegan(checkpoint, band);
        }
    }
    // -- docs: end
}
