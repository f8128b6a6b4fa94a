"""The project: settings, addresses, processes, and the small kernel that every app stands on."""
