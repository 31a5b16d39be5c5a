"""The specification in the user's words: reading, checking of shape, changing in place."""
