"""Addresses of pages."""

from django.urls import URLPattern

app_name = "entry"
urlpatterns: list[URLPattern] = []
