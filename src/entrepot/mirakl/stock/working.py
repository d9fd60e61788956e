"""What is done for every account again and again: telling its marketplace what changed in stock."""

from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.scheduling.registering import account_work
from entrepot.mirakl.services import Services
from entrepot.mirakl.stock.confirming import confirm
from entrepot.mirakl.stock.pushing import push


@account_work("stock", seconds=60)
async def tell_stock(services: Services, account: Account) -> None:
    """See what became of what was told, and tell what changed; failures are kept with the listings and tried again from there."""
    api = await services.api(account)
    await confirm(services.db, api, account.account_id)
    await push(services.db, api, account.account_id)
