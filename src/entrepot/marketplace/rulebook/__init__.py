"""What all rules of a platform share: they are written, tried, published, rolled back and kept in files alike."""
