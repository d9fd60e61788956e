"""Golden records that describe the same product, and products elsewhere that match them."""
