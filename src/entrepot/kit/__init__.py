"""What every context uses; knows nothing of commerce."""
