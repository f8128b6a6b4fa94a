"""Events that wait: a small process in front of the very doors that answer with pages.

It keeps the connections of those who wait; each decision and each page is made by the portal's own code, in a
few threads. So there is one decision about who may read what, and a waiting reader holds neither a thread nor
a connection to the database.
"""
