"""Scheduled work of this folder: telling marketplaces what changed in stock."""

from entrepot.kit.jobs import Job, task
from entrepot.kit.telemetry import get_logger
from entrepot.mirakl.accounts.accounts import get_account
from entrepot.mirakl.marketplace_api import open_api
from entrepot.mirakl.stock import pushing_queries as queries
from entrepot.mirakl.stock.pushing import push

log = get_logger(__name__)


@task("mirakl.push_stock", cron="* * * * *")
async def push_stock(job: Job) -> dict[str, int]:
    """Tell the marketplace of every active account what changed; one account's trouble is not another's."""
    counted = {"told": 0, "failed": 0, "accounts": 0}
    async with job.db.system(trace_id=job.trace_id) as session:
        accounts = await queries.select_active_accounts(session)
    for account_id in accounts:
        counted["accounts"] += 1
        try:
            async with job.db.tenant(account_id=account_id, trace_id=job.trace_id) as session:
                account = await get_account(session, account_id)
            async with open_api(job.db, account) as api:
                pushed = await push(job.db, api, account_id)
        except Exception:
            log.exception("stock was not told", account_id=str(account_id))
            counted["failed"] += 1
            continue
        counted["told"] += len(pushed.told)
        counted["failed"] += len(pushed.failed)
    return counted
