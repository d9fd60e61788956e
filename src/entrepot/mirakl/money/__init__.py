"""Money: transaction logs of a marketplace, settled against orders."""
