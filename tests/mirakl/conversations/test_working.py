"""What the worker's loop does for an account: messages taken in, answered by rule, replies sent, stock told."""

from tests.mirakl.conversations.conftest import Shop

from entrepot.kit.clock import clock
from entrepot.mirakl.scheduling.working import work_once


async def test_the_worker_takes_in_answers_and_sends_by_itself(shop: Shop) -> None:
    await shop.switch_on(opens="00:00", closes="00:00")
    shop.says("Where is it?")
    sent = []
    # A reply is stored in the round after which four hours have passed, and sent in that or the next.
    for minutes in (0, 239, 6, 1):
        shop.wait(minutes=minutes)
        with clock(shop.at):
            found = await work_once(
                shop.db, account_id=shop.account_id, works=("messages", "replies", "stock")
            )
        assert found.failed == 0
        assert found.works >= 1
        sent.append(len(shop.sent()))
    assert (sent[1], sent[-1]) == (0, 1)
