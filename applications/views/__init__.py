"""Pages of the console about applications, contracts and what needs attention."""
