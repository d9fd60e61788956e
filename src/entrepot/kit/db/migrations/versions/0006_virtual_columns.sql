-- Columns that are made when they are read are never null, since what they are made of is not. NOT NULL had every row
-- that was written compute them to see that, which was a third of what a row of the metrics cost.

ALTER TABLE data_playground.global_entities ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.global_events ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.invoice_payments ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.invoices ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.request_response_logs ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_inventory_logs ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_metrics_daily ALTER COLUMN id DROP NOT NULL, ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_metrics_hourly ALTER COLUMN id DROP NOT NULL, ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_order_items ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_order_payments ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_orders ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_product_metrics_daily ALTER COLUMN id DROP NOT NULL, ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_product_metrics_hourly ALTER COLUMN id DROP NOT NULL, ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_products ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_promotion_usages ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_promotions ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_review_votes ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shop_reviews ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.shops ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.user_metrics_daily ALTER COLUMN id DROP NOT NULL, ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.user_metrics_hourly ALTER COLUMN id DROP NOT NULL, ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.user_payment_methods ALTER COLUMN partition_key DROP NOT NULL;
ALTER TABLE data_playground.users ALTER COLUMN partition_key DROP NOT NULL;
