"""The description of the API: what every door says about itself, and what can be read off its code."""
