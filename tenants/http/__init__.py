"""Pages of a tenant, and the session cookie behind them."""

from tenants.http.pages import TenantPage
from tenants.http.sessions import actor_of, cookie_name, forget, remember

__all__ = ["TenantPage", "actor_of", "cookie_name", "forget", "remember"]
