"""The attributes that specifications are normalized to."""
