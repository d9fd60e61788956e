"""The connection to Shopify: webhooks, how far each resource is mirrored, and metaobjects."""
