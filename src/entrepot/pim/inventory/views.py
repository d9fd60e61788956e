"""The stock of every variant at every location, summed from the ledger."""

from entrepot.kit.db.views import MaterializedView, declare

inventory_current = MaterializedView(
    schema="pim",
    name="inventory_current",
    comment="Units in stock by variant and location, summed from inventory_ledger.",
    tenant="shop_id",
    schedule="*/30 * * * *",
    unique=("idx_inventory_current_pk", ("shop_id", "variant_id", "location_id")),
    indexes=(("idx_inventory_current_quantity", "quantity"),),
    columns={
        "shop_id": "Tenant",
        "variant_id": "Variant",
        "location_id": "Shopify's global identifier of the location",
        "quantity": "Units in stock",
        "last_updated_at": "When the stock last changed",
    },
    query="""
        SELECT
            shop_id,
            variant_id,
            location_id,
            sum(delta) AS quantity,
            max(recorded_at) AS last_updated_at
        FROM pim.inventory_ledger
        GROUP BY shop_id, variant_id, location_id
    """,
)

declare(inventory_current)
