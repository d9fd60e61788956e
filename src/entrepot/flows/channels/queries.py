"""Every statement that ties listings to golden records, as entrepot_system."""

from sqlalchemy import text

# A variant is the canonical product here, the golden record there; both go by our own SKU. The channel's key holds the
# account, since two marketplaces may use one SKU for different things.
TIE = text(
    """
    INSERT INTO pim.prod_channel_mappings AS known
        (product_id, channel, external_id, sync_status, last_pulled_at, channel_meta)
    SELECT master.id, 'mirakl', account.account_code || '/' || listing.shop_sku, 'synced', :at,
           jsonb_build_object('account', account.account_code, 'shop_sku', listing.shop_sku,
                              'title', listing.listing_title, 'is_active', listing.is_active)
    FROM mirakl.shop_sku_map AS listing
    JOIN mirakl.accounts AS account ON account.id = listing.account_id
    JOIN mirakl.product_variants AS variant
      ON variant.account_id = listing.account_id AND variant.variant_id = listing.variant_id
    JOIN pim.prod_master AS master ON master.internal_sku = variant.internal_sku
    WHERE length(account.account_code || '/' || listing.shop_sku) <= 255
    ON CONFLICT (channel, shop_id, external_id) DO UPDATE
    SET product_id = excluded.product_id, channel_meta = excluded.channel_meta, last_pulled_at = excluded.last_pulled_at
    WHERE (known.product_id, known.channel_meta) IS DISTINCT FROM (excluded.product_id, excluded.channel_meta)
    """
)
UNTIE = text(
    """
    DELETE FROM pim.prod_channel_mappings AS known
    WHERE known.channel = 'mirakl' AND NOT EXISTS (
        SELECT FROM mirakl.shop_sku_map AS listing
        JOIN mirakl.accounts AS account ON account.id = listing.account_id
        JOIN mirakl.product_variants AS variant
          ON variant.account_id = listing.account_id AND variant.variant_id = listing.variant_id
        JOIN pim.prod_master AS master ON master.internal_sku = variant.internal_sku
        WHERE known.external_id = account.account_code || '/' || listing.shop_sku AND known.product_id = master.id)
    """
)
