"""An invented Mirakl marketplace, seen as one of its shops sees it."""
