"""From plans to the text that fills the templates."""
