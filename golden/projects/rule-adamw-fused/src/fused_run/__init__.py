"""Classification of digits."""
