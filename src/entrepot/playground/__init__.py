"""The playground: a simulated world of commerce, and an event-time warehouse with hourly and daily metrics."""
