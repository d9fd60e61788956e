"""The one scheduler of all accounts: what is looked at and how often, by any number of workers at once."""
