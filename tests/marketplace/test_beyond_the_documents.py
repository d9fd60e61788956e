"""What docs/decisions/0009-rules.md says of tables and columns is so."""

import re
from pathlib import Path

from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.tables import Base
from entrepot.kit.db.views import VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "decisions" / "0009-rules.md"
ROW = re.compile(r"^\| `(hm_\w+)` \|(.*?)\|(.*?)\|(.*?)\|$", re.MULTILINE)
#: Documented as tables and built as views; those of decisions M5 to M7 are told of in the architecture's own list.
VIEWS_FOR_TABLES = {"hm_policy_evaluation_log"}
#: Of the events, which have a decision of their own.
ELSEWHERE = {"hm_event_queue", "hm_event_delivery", "hm_event_subscription"}


def test_every_table_is_told_of_with_columns_that_it_has() -> None:
    load_declarations()
    tables = {
        table.name: set(table.columns.keys())
        for table in Base.metadata.tables.values()
        if table.schema == "marketplace"
    }
    tables |= {view.name: set(view.columns) for view in VIEWS if view.name in VIEWS_FOR_TABLES}
    rows = {name: (beyond, left_out) for name, beyond, left_out, _ in ROW.findall(PAGE.read_text())}
    known = {name for name in tables if name.startswith("hm_")}
    # A scope of a policy is as the documents have it; tables that tests declare are no tables of the marketplace.
    assert known - ELSEWHERE - {"hm_policy_scope", "hm_berth", "hm_mooring", "hm_rope"} == set(rows)
    for name, (beyond, left_out) in rows.items():
        named = set(re.findall(r"`(\w+)`", beyond)) - {"onboarding_policy_rules"}
        assert named <= tables[name], (name, named - tables[name])
        absent = set(re.findall(r"`(\w+)`", left_out))
        assert not absent & tables[name], (name, absent & tables[name])
