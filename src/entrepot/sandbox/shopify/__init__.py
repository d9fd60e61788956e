"""An invented Shopify shop."""
