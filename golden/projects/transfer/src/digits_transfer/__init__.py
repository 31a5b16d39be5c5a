"""Transfer of digits-5-9."""
