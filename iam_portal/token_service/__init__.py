"""The token service: tokens, introspection, revocation and pushed requests by one thread of a process.

Optional, and beside the web servers (docs/adr/0010-token-service.md): a proxy hands it what goes to these
addresses, and its answers are theirs, by the same functions. Threads that wake each other are what a token
costs most of in a web server; here requests wait without threads, and what would block is done apart.
"""
