"""`./dev demo`: an invented shop and a market that sells from it, made and shown with nothing to set up."""
