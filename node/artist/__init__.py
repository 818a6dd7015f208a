"""What an artist does with a collection: opens, sells, closes and reveals editions."""
