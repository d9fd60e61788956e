"""Files taken in line by line: each applied, unchanged or rejected with its reason, none lost."""

import asyncio
from decimal import Decimal

import pytest
from tests.mirakl.stock.conftest import House

from entrepot.kit.errors import InvalidInputError
from entrepot.mirakl.stock.importing import Imported, import_file
from entrepot.mirakl.stock.reserving import reserve

COMPONENTS = """name,type,barcode,reorder_point,unit_cost
laptop,BASE,100,2,210.50
module,RAM,101,,
kit,RAM,,,
"""
VARIANTS = "sku,model,brand,weight_kg,floor_price\nL16,ThinkBook 14,Lenovo,1.95,399\nL8,ThinkBook 14,,,\n"
BILL = "sku,component,quantity\nL16,laptop,1\nL16,kit,1\nL8,laptop,1\n"
PARTS = "component,part,quantity\nkit,module,2\n"
LISTINGS = "shop_sku,sku,title,active\nBB1,L16,Laptop 16 GB,yes\nBB2,L16,,no\n"
STOCK = "component,on_hand,reason\nlaptop,4,\n101,9,shelf 3\n"


async def take(house: House, kind: str, content: str | bytes) -> Imported:
    async with house.db.tenant(account_id=house.account_id) as session:
        given = content.encode() if isinstance(content, str) else content
        return await import_file(session, house.account_id, kind, given, name="file.csv")


def told(found: Imported) -> tuple[int, int, int, list[tuple[int, str]]]:
    return found.read, found.applied, found.unchanged, [(one.line, one.reason) for one in found.rejected]


async def everything(house: House) -> list[Imported]:
    files = {
        "components": COMPONENTS,
        "parts": PARTS,
        "variants": VARIANTS,
        "bill": BILL,
        "listings": LISTINGS,
        "stock": STOCK,
    }
    return [await take(house, kind, content) for kind, content in files.items()]


async def test_a_house_is_taken_in_from_files_and_taken_in_again_nothing_changes(house: House) -> None:
    assert [told(one)[1:] for one in await everything(house)] == [
        (3, 0, []),
        (1, 0, []),
        (2, 0, []),
        (3, 0, []),
        (2, 0, []),
        (2, 0, []),
    ]
    assert await house.levels() == {"laptop": (4, 0), "module": (9, 0), "kit": (0, 0)}
    [variant] = await house.sql("SELECT * FROM mirakl.product_variants WHERE internal_sku = 'L16'")
    assert (variant["weight_kg"], variant["floor_price"], variant["length_cm"]) == (
        Decimal("1.950"),
        Decimal("399.0000"),
        Decimal("35.0"),
    )
    assert [told(one)[1:] for one in await everything(house)] == [
        (0, count, []) for count in (3, 1, 2, 3, 2, 2)
    ]


async def test_an_empty_cell_leaves_what_is_known(house: House) -> None:
    await take(house, "components", COMPONENTS)
    assert told(await take(house, "components", "name,type,unit_cost\nlaptop,BASE,\n")) == (1, 0, 1, [])
    [row] = await house.sql("SELECT barcode, unit_cost FROM mirakl.components WHERE name = 'laptop'")
    assert (row["barcode"], row["unit_cost"]) == ("100", Decimal("210.5000"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a", "It has 1 cells where the header has 4."),
        (",RAM,,", "name is empty."),
        ("a,RAM,x,", "reorder_point is 'x'; it has to be a whole number from 0 to 2000000000."),
        ("a,RAM,-1,", "reorder_point is '-1'; it has to be a whole number from 0 to 2000000000."),
        ("a,RAM,99999999999999,", "reorder_point is '99999999999999'; it has to be a whole number"),
        ("a,RAM,,NaN", "unit_cost is 'NaN'; it has to be a number from 0"),
        ("a,RAM,,1e99", "unit_cost is '1e99'; it has to be a number from 0"),
        ("a,RAM,,1.23456", "unit_cost is '1.23456'; it can have 4 decimal places."),
        ("a\0b,RAM,,", "name has a NUL character."),
        (f"{'a' * 256},RAM,,", "name has 256 characters; at most 255 can be kept."),
        ('"a"b,RAM,,', "CSV cannot be read in line 2: ',' expected after '\"'."),
    ],
)
async def test_a_line_that_is_wrong_is_rejected_and_the_next_is_taken(
    house: House, line: str, reason: str
) -> None:
    found = await take(house, "components", f"name,type,reorder_point,unit_cost\n{line}\nb,RAM,,\n")
    assert (found.read, found.applied) == (2, 1)
    [one] = found.rejected
    assert one.line == 2
    assert one.reason.startswith(reason)


async def test_a_line_that_is_no_utf8_is_rejected_alone(house: House) -> None:
    found = await take(house, "components", b"name,type\nm\xe9moire,RAM\nb,RAM\n")
    assert told(found) == (2, 1, 0, [(2, "name is no UTF-8.")])


async def test_a_quote_that_is_never_closed_says_which_lines_it_took(house: House) -> None:
    found = await take(house, "components", 'name,type\na,RAM\n"b,RAM\nc,RAM\n')
    assert told(found) == (
        2,
        1,
        0,
        [(3, "CSV cannot be read in lines 3 to 4: unexpected end of data.")],
    )


async def test_what_is_said_twice_in_a_file_is_taken_once(house: House) -> None:
    found = await take(house, "components", "name,type\na,RAM\na,SSD\n")
    assert told(found) == (2, 1, 0, [(3, "It says again what line 2 says; only that one is taken.")])


async def test_lines_that_name_what_there_is_not_are_rejected(house: House) -> None:
    await everything(house)
    assert (await take(house, "bill", "sku,component,quantity\nL99,laptop,1\nL16,dusk,1\n")).rejected[
        0
    ].reason == ("There is no variant 'L99'.")
    found = await take(house, "listings", "shop_sku,sku\nBB9,L99\n")
    assert [one.reason for one in found.rejected] == ["There is no variant 'L99'."]
    found = await take(house, "stock", "component,on_hand\ndusk,1\nkit,1\nlaptop,7\n")
    assert found.applied == 1
    assert [one.reason for one in found.rejected] == [
        "There is no component 'dusk'.",
        "Kit is built from parts, so it has no stock of its own; move its parts.",
    ]


async def test_a_circular_bill_is_rejected_in_its_line_and_the_rest_is_taken(house: House) -> None:
    await everything(house)
    found = await take(
        house, "parts", "component,part,quantity\nmodule,kit,1\nkit,kit,1\nlaptop,dusk,1\nkit,module,4\n"
    )
    assert told(found)[:3] == (4, 1, 0)
    assert [one.reason for one in found.rejected] == [
        "The bill of materials would be circular: module → kit → module.",
        "The bill of materials would be circular: kit → kit.",
        "There is no component 'dusk'.",
    ]


async def test_a_barcode_that_is_taken_is_rejected(house: House) -> None:
    await everything(house)
    found = await take(house, "components", "name,type,barcode\nnew,RAM,100\n")
    assert [one.reason for one in found.rejected] == ["The barcode 100 is another component's."]


async def test_none_takes_a_component_out_of_a_bill(house: House) -> None:
    await everything(house)
    gone = "sku,component,quantity\nL8,laptop,0\n"
    assert told(await take(house, "bill", gone)) == (1, 1, 0, [])
    assert told(await take(house, "bill", gone)) == (1, 0, 1, [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("type\nRAM\n", "lacks the column name"),
        ("name,type,colour\na,RAM,red\n", "has a column 'colour' that is not known"),
        ("name,type,name\na,RAM,b\n", "has the column name twice"),
    ],
)
async def test_a_file_without_its_header_is_refused_as_a_whole(
    house: House, content: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        await take(house, "components", content)


async def test_a_spreadsheets_file_is_read(house: House) -> None:
    """Semicolons, a byte order mark, titles in capitals, empty lines."""
    found = await take(house, "components", "\ufeffName;Type;Unit cost\r\n\r\na;RAM;\r\n;;\r\n")
    assert told(found) == (1, 1, 0, [])


@pytest.mark.parametrize("kind", ["components", "stock"])
async def test_a_file_in_any_order_and_orders_that_reserve_meanwhile_do_not_deadlock(
    house: House, kind: str
) -> None:
    names = [f"c{number}" for number in range(12)]
    for name in names:
        await house.component(name, 500)
    await house.variant("ALL", "BB1", **dict.fromkeys(names, 1))
    for number in range(6):
        await house.order(f"O{number}", BB1=1)

    async def order(number: int) -> None:
        async with house.db.tenant(account_id=house.account_id) as session:
            await reserve(session, house.account_id, f"O{number}")

    for round_ in range(3):
        header = "name,type,unit_cost" if kind == "components" else "component,on_hand"
        lines = [
            f"{name},RAM,{round_ + 1}" if kind == "components" else f"{name},{400 + round_}"
            for name in reversed(names)
        ]
        found, *_ = await asyncio.gather(
            take(house, kind, "\n".join([header, *lines])), order(2 * round_), order(2 * round_ + 1)
        )
        assert found.applied == 12
