"""Does the warehouse agree with itself? Every rule that its facts and metrics keep, asked of all of its rows."""
