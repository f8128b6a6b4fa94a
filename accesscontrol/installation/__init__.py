"""What the operator of the platform may know of the installation: figures and states, no rows of tenants."""
