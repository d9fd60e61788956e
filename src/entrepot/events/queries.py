"""Every statement of the outbox."""

from sqlalchemy import TextClause, text

PUBLISH = text(
    """
    INSERT INTO marketplace.hm_event_queue (shop_id, platform_id, account_id, event_type, source, subject,
                                            occurred_at, dataschema, payload, dedupe_key)
    SELECT CASE WHEN event.named THEN event.shop_id ELSE current.shop_id END,
           CASE WHEN event.named THEN event.platform_id WHEN current.shop_id IS NULL THEN current.platform_id END,
           CASE WHEN event.named THEN event.account_id
                WHEN current.shop_id IS NULL AND current.platform_id IS NULL THEN current.account_id END,
           event.type, event.source, event.subject, coalesce(event.time, now()), event.dataschema, event.data,
           event.dedupe_key
    FROM (SELECT *, num_nonnulls(shop_id, platform_id, account_id) > 0 AS named
          FROM ROWS FROM (jsonb_to_recordset(CAST(:events AS jsonb)) AS (
              shop_id uuid, platform_id uuid, account_id uuid, type text, source text, subject text,
              time timestamptz, dataschema text, data jsonb, dedupe_key text)) WITH ORDINALITY) AS event
    CROSS JOIN (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid AS shop_id,
                       nullif(current_setting('app.current_platform_id', true), '')::uuid AS platform_id,
                       nullif(current_setting('app.current_account_id', true), '')::uuid AS account_id) AS current
    ORDER BY event.ordinality
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)


def publish_from(select: str) -> TextClause:
    """The statement that publishes what `select` yields: type, subject and data, in the current tenant."""
    return text(
        f"""
        INSERT INTO marketplace.hm_event_queue (platform_id, account_id, event_type, subject, payload, source)
        SELECT CASE WHEN current.shop_id IS NULL THEN current.platform_id END,
               CASE WHEN current.shop_id IS NULL AND current.platform_id IS NULL THEN current.account_id END,
               event.type, event.subject, event.data, :event_source
        FROM ({select}) AS event
        CROSS JOIN (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid AS shop_id,
                           nullif(current_setting('app.current_platform_id', true), '')::uuid AS platform_id,
                           nullif(current_setting('app.current_account_id', true), '')::uuid AS account_id) AS current
        """
    )


REGISTER = text(
    """
    INSERT INTO marketplace.hm_event_subscription (event_type, subscriber_endpoint, max_attempts)
    SELECT declared.event_type, :endpoint, :max_attempts
    FROM unnest(CAST(:types AS text[])) AS declared (event_type)
    ON CONFLICT ON CONSTRAINT uq_event_subscription DO NOTHING
    """
)

WITHDRAW = text(
    """
    UPDATE marketplace.hm_event_subscription
    SET is_active = false
    WHERE subscriber_endpoint = :endpoint AND num_nonnulls(shop_id, platform_id, account_id) = 0 AND is_active
      AND event_type <> ALL (CAST(:types AS text[]))
    """
)

ACTIVE_SUBSCRIPTIONS = text(
    """
    SELECT id, subscriber_endpoint, max_attempts
    FROM marketplace.hm_event_subscription
    WHERE is_active AND subscriber_endpoint = ANY (CAST(:endpoints AS text[]))
    ORDER BY id
    """
)

# A worker that dies counts as a failed attempt, so that an event that kills its worker ends as a dead letter.
EXPIRE_LEASES = text(
    """
    WITH expired AS (
        SELECT delivery.event_id, delivery.subscription_id, delivery.attempts >= subscription.max_attempts AS spent
        FROM marketplace.hm_event_delivery AS delivery
        JOIN marketplace.hm_event_subscription AS subscription ON subscription.id = delivery.subscription_id
        WHERE delivery.state = 'leased' AND delivery.lease_until < now()
        FOR UPDATE OF delivery SKIP LOCKED
    )
    UPDATE marketplace.hm_event_delivery AS delivery
    SET state = CASE WHEN expired.spent THEN 'dead' ELSE 'pending' END, leased_by = NULL, lease_until = NULL,
        next_retry_time = now(), error_message = 'the worker that held it stopped before it was done'
    FROM expired
    WHERE delivery.event_id = expired.event_id AND delivery.subscription_id = expired.subscription_id
    """
)

CLAIM = text(
    """
    WITH due AS (
        SELECT event_id, subscription_id
        FROM marketplace.hm_event_delivery
        WHERE subscription_id = :subscription_id AND state = 'pending' AND next_retry_time <= now()
        ORDER BY next_retry_time, event_id
        LIMIT :batch
        FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE marketplace.hm_event_delivery AS delivery
        SET state = 'leased', attempts = delivery.attempts + 1, leased_by = :lease,
            lease_until = now() + make_interval(secs => :seconds)
        FROM due
        WHERE delivery.event_id = due.event_id AND delivery.subscription_id = due.subscription_id
        RETURNING delivery.event_id, delivery.attempts
    )
    SELECT event.id, event.event_type AS type, event.source, event.subject, event.occurred_at AS time,
           event.payload AS data, event.datacontenttype, event.dataschema, event.shop_id, event.platform_id,
           event.account_id, event.trace_id, leased.attempts
    FROM leased JOIN marketplace.hm_event_queue AS event ON event.id = leased.event_id
    ORDER BY event.id
    """
)

RENEW = text(
    """
    UPDATE marketplace.hm_event_delivery
    SET lease_until = now() + make_interval(secs => :seconds)
    WHERE subscription_id = :subscription_id AND event_id = ANY (CAST(:event_ids AS uuid[]))
      AND state = 'leased' AND leased_by = :lease
    """
)

FINISH = text("SELECT entrepot.finish_deliveries(:subscription_id, CAST(:event_ids AS uuid[]), :lease)")

FAIL = text(
    """
    UPDATE marketplace.hm_event_delivery
    SET state = CASE WHEN :dead THEN 'dead' ELSE 'pending' END, leased_by = NULL, lease_until = NULL,
        next_retry_time = now() + make_interval(secs => :delay), error_message = :error
    WHERE subscription_id = :subscription_id AND event_id = :event_id AND state = 'leased' AND leased_by = :lease
    """
)

RELEASE = text(
    """
    UPDATE marketplace.hm_event_delivery
    SET state = 'pending', leased_by = NULL, lease_until = NULL, attempts = greatest(attempts - 1, 0)
    WHERE subscription_id = :subscription_id AND event_id = ANY (CAST(:event_ids AS uuid[]))
      AND state = 'leased' AND leased_by = :lease
    """
)

REDRIVE = text(
    """
    UPDATE marketplace.hm_event_delivery AS delivery
    SET state = 'pending', attempts = 0, next_retry_time = now(), delivered_at = NULL
    FROM marketplace.hm_event_subscription AS subscription, marketplace.hm_event_queue AS event
    WHERE subscription.id = delivery.subscription_id AND event.id = delivery.event_id
      AND delivery.state = ANY (CAST(:states AS text[]))
      AND (CAST(:event_id AS uuid) IS NULL OR delivery.event_id = :event_id)
      AND (CAST(:endpoint AS text) IS NULL OR subscription.subscriber_endpoint = :endpoint)
      AND (CAST(:type AS text) IS NULL OR event.event_type = :type)
    """
)

NOTIFY = text("SELECT pg_notify(:channel, '')")

# uuidv7() takes a shift, so the key itself tells the age and no index on a time is needed.
PURGE = text(
    """
    DELETE FROM marketplace.hm_event_queue
    WHERE id IN (
        SELECT event.id
        FROM marketplace.hm_event_queue AS event
        WHERE event.id < (SELECT uuidv7(make_interval(days => -CAST(:days AS integer))))
          AND NOT EXISTS (
              SELECT FROM marketplace.hm_event_delivery AS delivery
              WHERE delivery.event_id = event.id AND delivery.state <> 'delivered')
        ORDER BY event.id
        LIMIT :batch
        FOR UPDATE SKIP LOCKED)
    """
)

EVENTS = text(
    """
    SELECT event.id, event.occurred_at, event.event_type, event.subject, event.source, event.shop_id,
           count(delivery.event_id) AS deliveries,
           count(*) FILTER (WHERE delivery.state IN ('pending', 'leased')) AS open,
           count(*) FILTER (WHERE delivery.state = 'dead') AS dead
    FROM (
        SELECT * FROM marketplace.hm_event_queue
        WHERE (CAST(:type AS text) IS NULL
               OR event_type = :type
               OR (right(:type, 1) = '*' AND starts_with(event_type, left(:type, -1))))
          AND (CAST(:shop_id AS uuid) IS NULL OR shop_id = :shop_id)
        ORDER BY id DESC
        LIMIT :limit
    ) AS event
    LEFT JOIN marketplace.hm_event_delivery AS delivery ON delivery.event_id = event.id
    GROUP BY event.id, event.occurred_at, event.event_type, event.subject, event.source, event.shop_id
    ORDER BY event.id DESC
    """
)

DEAD_LETTERS = text(
    """
    SELECT delivery.event_id, event.event_type, event.subject, subscription.subscriber_endpoint, delivery.attempts,
           delivery.error_message, event.shop_id
    FROM marketplace.hm_event_delivery AS delivery
    JOIN marketplace.hm_event_queue AS event ON event.id = delivery.event_id
    JOIN marketplace.hm_event_subscription AS subscription ON subscription.id = delivery.subscription_id
    WHERE delivery.state = 'dead'
    ORDER BY delivery.event_id DESC
    LIMIT :limit
    """
)

SUBSCRIPTIONS = text(
    """
    SELECT subscription.id, subscription.subscriber_endpoint, subscription.event_type, subscription.is_active,
           subscription.max_attempts, subscription.shop_id,
           (SELECT count(*) FROM marketplace.hm_event_delivery AS delivery
            WHERE delivery.subscription_id = subscription.id AND delivery.state = 'pending') AS pending,
           (SELECT count(*) FROM marketplace.hm_event_delivery AS delivery
            WHERE delivery.subscription_id = subscription.id AND delivery.state = 'dead') AS dead
    FROM marketplace.hm_event_subscription AS subscription
    ORDER BY subscription.subscriber_endpoint, subscription.event_type
    """
)
