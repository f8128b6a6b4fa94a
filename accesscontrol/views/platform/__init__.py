"""Pages of the platform's operator: organizations, jobs, keys and the state of the installation."""
