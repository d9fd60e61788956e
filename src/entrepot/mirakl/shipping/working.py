"""What shipping does for every account again and again: labels of cancelled orders, parcels on their way."""

from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.scheduling.registering import account_work
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping.calling_off import call_off_due
from entrepot.mirakl.shipping.delivery import follow_due


@account_work("labels", seconds=60)
async def take_labels_back(services: Services, account: Account) -> int:
    """Void, or ask the money back of, the labels of orders that came to nothing."""
    return await call_off_due(services, account.account_id)


@account_work("parcels", seconds=300)
async def follow_parcels(services: Services, account: Account) -> int:
    """Ask the carriers about the parcels that are due."""
    asked = 0
    while True:
        now_asked = await follow_due(services, account.account_id)
        asked += now_asked
        if not now_asked:
            return asked
