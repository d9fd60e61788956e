"""What is due now: orders to accept and to ship, customers to answer, failures, shortages."""
