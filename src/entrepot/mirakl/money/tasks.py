"""Scheduled work of money: taking the transaction logs of every account in."""

from entrepot.kit.errors import UnavailableError
from entrepot.kit.jobs import Job, enqueue, task
from entrepot.mirakl.accounts.accounts import get_account, list_accounts
from entrepot.mirakl.failures.outcomes import ServiceError
from entrepot.mirakl.marketplace_api import open_api
from entrepot.mirakl.money.importing import TASK, take_in


@task("mirakl.import_money", cron="17 */2 * * *")
async def import_money(job: Job) -> dict[str, int]:
    """Have the logs of every account that is looked at taken in, each by a job of its own."""
    async with job.db.system(trace_id=job.trace_id) as session:
        accounts = [account for account in await list_accounts(session) if account.is_active]
    waiting = 0
    for account in accounts:
        async with job.db.tenant(account_id=account.account_id, trace_id=job.trace_id) as session:
            lock = f"{TASK} {account.account_id}"
            waiting += await enqueue(session, TASK, lock=lock, queueing_lock=lock) is not None
    return {"accounts": len(accounts), "jobs": waiting}


@task(TASK, max_attempts=1)
async def import_transactions(job: Job) -> dict[str, int]:
    """Take the logs of one account in; a marketplace that does not answer is tried again from the inbox."""
    if job.account_id is None:
        return {"read": 0, "applied": 0, "rejected": 0}
    async with job.session() as session:
        account = await get_account(session, job.account_id)
    try:
        async with open_api(job.db, account) as api:
            done = await take_in(job.db, account, api)
    except ServiceError as error:
        raise UnavailableError(str(error)) from error
    return {"read": done.read, "applied": done.applied, "rejected": done.rejected}
