"""`python -m entrepot.demo`."""

from entrepot.demo.running import main

main()
