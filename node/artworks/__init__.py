"""Editions as images and metadata: painted here or elsewhere, found again, compared, fetched."""
