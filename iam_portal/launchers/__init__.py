"""Starting the portal on one machine: embedded servers, the demo, and what the tests need of both."""
