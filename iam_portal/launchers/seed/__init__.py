"""A believable group of companies for the demo: data, and a small engine that calls the real actions."""
