"""`entrepot mirakl carriers`, and reading secrets from where others cannot see them."""

import sys
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.crypto import Keyring
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.output import JsonOption, as_record, print_json, print_line, print_table
from entrepot.kit.settings import get_settings
from entrepot.mirakl.accounts.accounts import Account, Carrier, list_carriers, set_carrier
from entrepot.mirakl.accounts.choosing import AccountOption, in_account

#: The carrier that is a person: it has no API, and so no credentials.
BY_HAND = "own"
app = typer.Typer(add_completion=False, no_args_is_help=True, help="Set carriers up.")


def read_secret(what: str, *, stdin: bool, option: str) -> str:
    """A secret from standard input or the terminal; never an argument, which others of the machine could read.

    Raises InvalidInputError where it is empty or there is nobody to ask.
    """
    if stdin:
        value = sys.stdin.readline().strip()
    elif sys.stdin.isatty():
        value = str(typer.prompt(what, hide_input=True, err=True)).strip()
    else:
        raise InvalidInputError(f"There is no terminal to ask for the {what} on.", hint=f"Give {option}.")
    if not value:
        raise InvalidInputError(f"The {what} is empty.")
    return value


@app.command("set")
def set_up(
    carrier: Annotated[
        str,
        typer.Argument(
            metavar="CARRIER", help="Which carrier: canada-post, or own for numbers that you type in."
        ),
    ],
    url: Annotated[str, typer.Option(metavar="URL", help="Root of the carrier's API.")] = "",
    user: Annotated[str, typer.Option(help="User of the API.")] = "",
    customer: Annotated[str, typer.Option(metavar="NUMBER", help="Your number with the carrier.")] = "",
    contract: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Contract that is charged, where there is one.")
    ] = None,
    service: Annotated[str, typer.Option(metavar="CODE", help="Service that is bought.")] = "DOM.EP",
    marketplace_code: Annotated[
        str, typer.Option(metavar="CODE", help="What the marketplace calls the carrier.")
    ] = "CPCL",
    sender_name: Annotated[str, typer.Option(help="Name on the label.")] = "",
    sender_company: Annotated[str, typer.Option(help="Company on the label.")] = "",
    sender_street: Annotated[str, typer.Option(help="Street on the label.")] = "",
    sender_street_2: Annotated[str, typer.Option(help="Second line of the street on the label.")] = "",
    sender_city: Annotated[str, typer.Option(help="City on the label.")] = "",
    sender_province: Annotated[str, typer.Option(help="Province on the label, such as ON.")] = "",
    sender_postal_code: Annotated[str, typer.Option(help="Postal code on the label.")] = "",
    sender_phone: Annotated[str, typer.Option(help="Telephone on the label.")] = "",
    sender_email: Annotated[str, typer.Option(help="Where the carrier tells how a refund goes.")] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    account: AccountOption = None,
    json: JsonOption = False,
) -> None:
    """Set what is needed to buy labels of a carrier, in place of what was set before.

    Example: entrepot mirakl carriers set canada-post --url https://ct.soa-gw.canadapost.ca --user me --customer 1234567
    """
    if carrier != BY_HAND and (
        missing := [name for name, value in _needed(url, user, customer) if not value]
    ):
        raise InvalidInputError(
            f"{carrier} needs {', '.join(missing)}.", hint="Only the carrier own asks for nothing."
        )
    password = (
        "" if carrier == BY_HAND else read_secret("password", stdin=password_stdin, option="--password-stdin")
    )
    sender = {
        "name": sender_name,
        "company": sender_company,
        "street_1": sender_street,
        "street_2": sender_street_2,
        "city": sender_city,
        "province": sender_province,
        "postal_code": sender_postal_code,
        "phone": sender_phone,
        "email": sender_email,
    }

    async def work(session: AsyncSession, found: Account) -> Carrier:
        wanted = Carrier(
            account_id=found.account_id,
            carrier=carrier,
            api_url=url,
            customer_number=customer,
            contract_id=contract,
            service_code=service,
            marketplace_carrier_code=marketplace_code,
            sender={name: value for name, value in sender.items() if value},
        )
        await set_carrier(session, Keyring.open(get_settings()), wanted, user=user, password=password)
        return wanted

    made = in_account(account, work)
    if json:
        print_json(as_record(made))
    else:
        print_line(f"{made.carrier} is set up: customer {made.customer_number}, service {made.service_code}.")


def _needed(url: str, user: str, customer: str) -> tuple[tuple[str, str], ...]:
    return ("--url", url), ("--user", user), ("--customer", customer)


@app.command("list")
def list_all(account: AccountOption = None, json: JsonOption = False) -> None:
    """Show the carriers of an account."""
    found = in_account(account, lambda session, chosen: list_carriers(session, chosen.account_id))
    if json:
        print_json({"carriers": [as_record(carrier) for carrier in found]})
        return
    print_table(
        ["carrier", "address", "customer", "contract", "service", "marketplace code"],
        [
            [
                one.carrier,
                one.api_url,
                one.customer_number,
                one.contract_id,
                one.service_code,
                one.marketplace_carrier_code,
            ]
            for one in found
        ],
        empty="The account has no carrier. `entrepot mirakl carriers set CARRIER` sets one up.",
    )
