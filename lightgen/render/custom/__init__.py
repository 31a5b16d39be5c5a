"""The class of a custom optimizer and its tests: the skeletons, and what a rule becomes."""
