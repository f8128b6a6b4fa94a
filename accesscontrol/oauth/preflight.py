"""What a page may send to the doors of clients, where it proves a key (Fetch §3.2.2).

Anybody may ask: no cookie is looked at there. What the page may read, its client's registered origins say.
"""

PREFLIGHT = {
    "Allow": "POST, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "DPoP, Content-Type",
    "Access-Control-Max-Age": "3600",
}
