"""Pages of a tenant, and the session cookie behind them."""

from tenants.http.pages import TenantPage
from tenants.http.sessions import acquaint, actor_of, browser_of, cookie_name, forget, remember

__all__ = ["TenantPage", "acquaint", "actor_of", "browser_of", "cookie_name", "forget", "remember"]
