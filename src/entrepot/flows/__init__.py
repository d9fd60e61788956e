"""What joins contexts: modules that hear of one context's events and act on another."""
