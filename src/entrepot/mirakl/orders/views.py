"""Where orders are, and the trigger that lets only legal steps into their history."""

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.views import View, declare
from entrepot.mirakl.values import FIRST_STATUSES, TRANSITIONS

declare(
    View(
        schema="mirakl",
        name="order_status",
        comment="Where each order is: the latest step of its history; steps of an order are numbered, so there is one",
        query="""
        SELECT DISTINCT ON (account_id, order_id) account_id, order_id, step, status, actor_type, actor, notes, "timestamp"
        FROM mirakl.order_status_history
        ORDER BY account_id, order_id, step DESC
        """,
        columns={
            "account_id": "Tenant",
            "order_id": "Order",
            "step": "Number of the step",
            "status": "Status now",
            "actor_type": "rule/person/marketplace/carrier/worker",
            "actor": "Which rule, person or worker",
            "notes": "Why",
            "timestamp": "Since when",
        },
    )
)

_PAIRS = ", ".join(
    f"('{source}', '{target}')" for source, targets in TRANSITIONS.items() for target in targets
)
_FIRST = ", ".join(f"'{status}'" for status in FIRST_STATUSES)

# What the program checks in words the database holds it to: a step follows the one before, by a legal way.
EXTRA_SQL.append(
    f"""
CREATE FUNCTION mirakl.check_status_step() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    latest record;
BEGIN
    SELECT step, status INTO latest FROM mirakl.order_status_history
    WHERE account_id = NEW.account_id AND order_id = NEW.order_id ORDER BY step DESC LIMIT 1;
    IF NEW.step IS DISTINCT FROM coalesce(latest.step, 0) + 1 OR NEW.previous_status IS DISTINCT FROM latest.status THEN
        RAISE EXCEPTION 'order % is at step % (%), so step % from % cannot follow', NEW.order_id, coalesce(latest.step, 0),
            coalesce(latest.status, 'new'), NEW.step, coalesce(NEW.previous_status, 'new') USING ERRCODE = 'serialization_failure';
    END IF;
    IF latest.status IS NULL AND NEW.status NOT IN ({_FIRST})
       OR latest.status IS NOT NULL AND (latest.status, NEW.status) NOT IN ({_PAIRS}) THEN
        RAISE EXCEPTION 'order % is % and cannot become %', NEW.order_id, coalesce(latest.status, 'new'), NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER order_status_history_check BEFORE INSERT ON mirakl.order_status_history
FOR EACH ROW EXECUTE FUNCTION mirakl.check_status_step();

COMMENT ON FUNCTION mirakl.check_status_step() IS 'A step of an order follows the one before, by a legal way.';
"""  # noqa: S608 - declared words
)
