"""We as the client of somebody else's OpenID provider: asking, redeeming, believing what is proven."""
