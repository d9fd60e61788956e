"""The warehouse's dashboard: figures by hour and day, down to the facts that they are made of."""
