"""Share-price histories: what is read, and that a bad row is named before anything starts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.devnet import history
from node.devnet.history import WAD, History, Row, assets_for, parse_history, read_history
from node.errors import ReplayError

DATA = Path(__file__).parents[3] / "node" / "devnet" / "histories"


def parse(text: str | bytes) -> History:
    return parse_history(text.encode() if isinstance(text, str) else text, "prices.csv", "prices")


def attempt(text: str | bytes) -> History | ReplayError:
    try:
        return parse(text)
    except ReplayError as error:
        return error


def test_read_history__shipped_files__are_read_whole_and_exactly() -> None:
    falconx = read_history(DATA / "pareto-falconx-2025-2026.csv")
    assert len(falconx.rows) == 252
    assert falconx.rows[0] == Row(2, "2025-06-18", 22732061, WAD)
    cbbtc = read_history(DATA / "yieldbasis-cbbtc-2025-10-10.csv")
    assert len(cbbtc.rows) == 60
    assert cbbtc.rows[0] == Row(2, "2025-10-10 09:26", 23546429, 1_007_545_170_000_000_000)
    assert cbbtc.name == "yieldbasis-cbbtc-2025-10-10.csv"


def test_parse_history__columns_in_any_order_bom_crlf_quotes_and_empty_lines__are_all_fine() -> None:
    text = '\ufeff\r\nnote, Share_Price ,block\r\n\r\n"a, b",1.5,7\r\n,"0.000000000000000001",9\r\n\r\n'
    assert parse(text).rows == (Row(4, "block 7", 7, 3 * WAD // 2), Row(5, "block 9", 9, 1))


def test_parse_history__neither_block_nor_date__is_labelled_by_line() -> None:
    assert parse("share_price\n1\n2\n").rows == (Row(2, "line 2", None, WAD), Row(3, "line 3", None, 2 * WAD))


def test_parse_history__date_and_timestamp__date_is_the_label() -> None:
    assert parse("timestamp,date,share_price\n0,today,1\n1,,1\n").rows[0].label == "today"
    assert parse("timestamp,share_price\n0,1\n1,1\n").rows[0].label == "1970-01-01 00:00"


HEAD = "block,date,share_price\n1,a,1\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the file is empty"),
        ("\n \n", 1, "the file is empty"),
        ("block,price\n1,1\n2,1\n", 1, "no column share_price"),
        ("\n\nblock,price\n1,1\n2,1\n", 3, "no column share_price"),
        ("share_price,share_price\n1,1\n1,1\n", 1, "'share_price' stands twice"),
        ("share_price,Block, block\n1,1,1\n", 1, "'block' stands twice"),
        ("share_price\n", 1, "0 rows of prices"),
        ("share_price\n1\n", 2, "1 rows of prices"),
        (HEAD + "2,b\n", 3, "2 columns, the header has 3"),
        (HEAD + "2,b,1,\n", 3, "4 columns, the header has 3"),
        (HEAD + "1,b,1\n", 3, "block 1 does not lie after block 1"),
        (HEAD + "0,b,1\n", 3, "block 0 does not lie after block 1"),
        (HEAD + ",b,1\n", 3, "block '' is not a block number"),
        (HEAD + "-2,b,1\n", 3, "is not a block number"),
        (HEAD + "2.0,b,1\n", 3, "is not a block number"),
        (HEAD + "1_000,b,1\n", 3, "is not a block number"),
        (HEAD + "٢,b,1\n", 3, "is not a block number"),
        (HEAD + "9999999999999999999,b,1\n", 3, "is not a block number"),
        (HEAD + "2,b,\n", 3, "share price '' is not a decimal"),
        (HEAD + "2,b,-1\n", 3, "is not a decimal"),
        (HEAD + "2,b,+1\n", 3, "is not a decimal"),
        (HEAD + "2,b,1e3\n", 3, "is not a decimal"),
        (HEAD + "2,b,nan\n", 3, "is not a decimal"),
        (HEAD + "2,b,Infinity\n", 3, "is not a decimal"),
        (HEAD + "2,b,1.\n", 3, "is not a decimal"),
        (HEAD + "2,b,.5\n", 3, "is not a decimal"),
        (HEAD + "2,b,0x1\n", 3, "is not a decimal"),
        (HEAD + '2,b,"1,5"\n', 3, "is not a decimal"),
        (HEAD + "2,b,0\n", 3, "share price is zero"),
        (HEAD + "2,b,0.000000000000000000\n", 3, "share price is zero"),
        (HEAD + "2,b,1.0000000000000000001\n", 3, "has 19 decimals"),
        (HEAD + "2,b,1000000001\n", 3, "out of all proportion"),
        ("share_price\n0.000000000000000001\n0.000000001000000001\n", 3, "out of all proportion"),
        (HEAD + '2,"b,1\n', 3, "is not CSV"),
        (HEAD + '2,"b"x,1\n', 3, "is not CSV"),
        (HEAD + "2,b\rc,1\n", 3, "is not CSV"),
        (HEAD + f"2,{'b' * 65},1\n", 3, "longer than 64"),
        (HEAD + "2,b\x1b[31m,1\n", 3, "unprintable"),
        (HEAD + "\n2,b\x00,1\n", 4, "NUL"),
    ],
)
def test_parse_history__bad_row__is_refused_with_file_line_fault_and_remedy(text: str, line: int, words: str) -> None:
    with pytest.raises(ReplayError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith(f"prices.csv, line {line}: ")
    assert words in message
    assert "; " in message


def test_parse_history__not_utf8__names_the_line() -> None:
    with pytest.raises(ReplayError, match="line 3: is not UTF-8"):
        parse(HEAD.encode() + b"2,\xff,1\n")


def test_parse_history__more_rows_than_can_be_replayed__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_ROWS", 3)
    assert len(parse("share_price\n" + "1\n" * 3).rows) == 3
    with pytest.raises(ReplayError, match="line 5: more than 3 rows"):
        parse("share_price\n" + "1\n" * 4)


def test_read_history__huge_file__is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(history.MAX_BYTES + 1)
    with pytest.raises(ReplayError, match="larger than 16 MiB"):
        read_history(path)


@pytest.mark.parametrize("name", ["missing.csv", ".", "a\0b"])
def test_read_history__no_such_file__is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReplayError, match="give a readable CSV file"):
        read_history(f"{tmp_path}/{name}")


@settings(max_examples=60)
@given(st.binary(max_size=300))
@example(b"share_price\n1\n2\n")
def test_parse_history__any_bytes__is_a_history_or_a_replay_error_with_a_line(raw: bytes) -> None:
    for text in (raw, b"block,share_price\n" + raw, b"share_price\n1\n" + raw):
        found = attempt(text)
        if isinstance(found, ReplayError):
            assert str(found).startswith("prices.csv, line ")
        else:
            assert len(found.rows) >= 2
            assert all(row.price > 0 for row in found.rows)


CELLS = st.text(alphabet='0123456789.,-"\n\r eE+x', max_size=12)


@settings(max_examples=50)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_parse_history__any_cells__never_crash(cells: list[tuple[str, str]]) -> None:
    found = attempt("block,share_price\n" + "\n".join(f"{block},{price}" for block, price in cells))
    assert isinstance(found, History) or "; " in str(found)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 18), st.integers(1, 10**27)), min_size=2, max_size=8))
def test_parse_history__decimals__are_exact(rows: list[tuple[int, int, int]]) -> None:
    block, lines, wanted = 0, [], []
    for step, places, wei in rows:
        block += step
        price = Decimal(wei - wei % 10 ** (18 - places) or 10**18).scaleb(-18)
        lines.append(f"{block},{price:f}")
        wanted.append((block, int(price.scaleb(18))))
    if any(price > wanted[0][1] * 10**9 for _, price in wanted):
        return
    assert [(row.block, row.price) for row in parse("block,share_price\n" + "\n".join(lines)).rows] == wanted


@settings(max_examples=100)
@given(
    asset_decimals=st.integers(0, 18),
    offset=st.integers(0, 6),
    shares=st.integers(1, 10**9),
    dust=st.integers(0, 10**18),
    price=st.integers(1, 10**9 * WAD),
)
def test_assets_for__any_vault_and_price__reads_the_price_to_the_assets_last_decimal(
    asset_decimals: int, offset: int, shares: int, dust: int, price: int
) -> None:
    one_share = 10 ** (asset_decimals + offset)
    supply = shares * one_share + dust
    wanted = price // 10 ** (18 - asset_decimals)
    if wanted == 0:
        with pytest.raises(ReplayError, match="below the last"):
            assets_for(price, supply, asset_decimals=asset_decimals, share_decimals=asset_decimals + offset)
        return
    assets = assets_for(price, supply, asset_decimals=asset_decimals, share_decimals=asset_decimals + offset)
    assert assets >= 0
    # snekmate's erc4626, _convert_to_assets, rounding down
    assert one_share * (assets + 1) // (supply + 10**offset) == wanted
    # and no fewer assets would do
    assert one_share * assets // (supply + 10**offset) < wanted


@pytest.mark.parametrize(("asset_decimals", "share_decimals"), [(19, 19), (-1, 6), (6, 5)])
def test_assets_for__impossible_vault__is_refused(asset_decimals: int, share_decimals: int) -> None:
    with pytest.raises(ReplayError, match="cannot be priced"):
        assets_for(WAD, 10**18, asset_decimals=asset_decimals, share_decimals=share_decimals)


def test_assets_for__less_than_one_share__is_refused() -> None:
    with pytest.raises(ReplayError, match="deposit first"):
        assets_for(WAD, 0, asset_decimals=6, share_decimals=6)


def test_parse_history__long_column_that_stands_twice__is_told_in_short() -> None:
    with pytest.raises(ReplayError, match="stands twice") as caught:
        parse("9" * 5_000 + "," + "9" * 5_000 + "\n1,2")
    assert len(str(caught.value)) < 200
