#!/usr/bin/env python3
"""Command line of the portal."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iam_portal.settings")
    if sys.argv[1:2] == ["demo"]:
        from iam_portal.management.commands.demo import Command as Demo

        Demo().run_from_argv(sys.argv)  # before the settings: it makes them for its children
    else:
        execute_from_command_line(sys.argv)
