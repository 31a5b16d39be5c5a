"""What torch, Lightning and lightgen offer, as data."""
