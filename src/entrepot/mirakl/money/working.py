"""What is done for every account: its transaction logs are taken in."""

from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.money.importing import WORK, take_in
from entrepot.mirakl.scheduling.registering import account_work
from entrepot.mirakl.services import Services


@account_work(WORK, seconds=2 * 3600)
async def import_money(services: Services, account: Account) -> None:
    """Take in what was written or changed since the last time."""
    await take_in(services.db, account, await services.api(account))
