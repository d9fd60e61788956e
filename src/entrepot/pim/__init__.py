"""The product information context: the mirror of Shopify shops and the golden catalog (schema `pim`)."""
