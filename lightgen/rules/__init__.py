"""From an update rule, a function in the notation of its paper, to the code of an optimizer."""
