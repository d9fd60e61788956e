"""Images and videos of a shop, and the channels that it publishes to."""
