"""The command line: `entrepot <noun> <verb>`."""
