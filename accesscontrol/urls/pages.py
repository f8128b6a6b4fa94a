"""Addresses of pages."""

from django.urls import URLPattern

app_name = "accesscontrol"
urlpatterns: list[URLPattern] = []
