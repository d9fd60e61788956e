"""Order operations of a seller on Mirakl marketplaces: from an order to a parcel and an answered customer."""
