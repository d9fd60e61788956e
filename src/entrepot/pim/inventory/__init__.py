"""The ledger of stock, and where stock is kept."""
