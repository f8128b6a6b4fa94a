"""The parts of a tenant's configuration that people keep in a spreadsheet: written, and read back strictly.

``packed`` bounds what is unpacked, ``cells`` reads texts and nothing else, ``reading`` and ``writing`` know
the tables, ``current`` knows whose it is and of when. What comes out is a document as of YAML, for the same
engine.
"""
