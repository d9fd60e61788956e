"""`entrepot mirakl`: the commands of order operations on Mirakl marketplaces, put together from those who make them."""
