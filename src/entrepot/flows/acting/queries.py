"""Where the acting world is: its own clock."""

from sqlalchemy import text

ACTED = text("SELECT began, clock FROM data_playground.acted_worlds WHERE run_id = :run")
BEGIN = text(
    """
    INSERT INTO data_playground.acted_worlds (run_id, began, clock) VALUES (:run, :clock, :clock)
    """
)
ADVANCE = text("UPDATE data_playground.acted_worlds SET clock = :clock WHERE run_id = :run")
FACTS = text(
    """
    SELECT event_type, count(*) AS facts FROM data_playground.global_events
    WHERE origin <> 'simulated' GROUP BY event_type ORDER BY event_type
    """
)
WAITING = text("SELECT count(*) FROM data_playground.parked_facts")
