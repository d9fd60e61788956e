"""What is done for every account again and again: messages taken in, automatic replies stored, replies sent."""

from entrepot.mirakl.accounts.accounts import Account
from entrepot.mirakl.conversations.automatic import store_replies
from entrepot.mirakl.conversations.outbox import send_due
from entrepot.mirakl.conversations.synchronizing import synchronize
from entrepot.mirakl.scheduling.registering import account_work
from entrepot.mirakl.services import Services


@account_work("messages")
async def take_messages_in(services: Services, account: Account) -> None:
    """Take in the threads that changed; then store the automatic replies that are due.

    In this order, and nothing is stored where the first fails: who answers by rule has to have seen what a person
    answered on the marketplace.
    """
    await synchronize(services.db, await services.api(account), account.account_id)
    await store_replies(services.db, account.account_id, account.time_zone)


@account_work("replies", seconds=20)
async def send_replies(services: Services, account: Account) -> None:
    """Send the replies that are due, and settle those whose answer was lost."""
    await send_due(services.db, await services.api(account), account.account_id)
