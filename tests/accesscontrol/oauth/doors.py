"""Addresses for these tests: the OAuth endpoints, and doors that declare what they need."""

from typing import Any

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accesscontrol.authentication import ApplicationAuthentication


class Modules(APIView):
    permissions = {"GET": "Modules:read", "POST": "Modules:add"}

    def get(self, request: Request, **kwargs: Any) -> Response:
        actor = request.user.actor
        return Response(
            {"kind": actor.kind, "id": actor.id, "name": actor.name, "tenantId": str(actor.tenant_id)}
        )

    def post(self, request: Request, **kwargs: Any) -> Response:
        return Response({}, status=201)

    def delete(self, request: Request, **kwargs: Any) -> Response:
        return Response({})


class Single(APIView):
    permission = "Modules:read"

    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({})


class Undeclared(APIView):
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({})


class OwnApplication(APIView):
    authentication_classes = [ApplicationAuthentication]
    permission = "own-application"

    def get(self, request: Request) -> Response:
        return Response(
            {"applicationId": request.user.application.id, "tenantId": request.user.actor.tenant_id}
        )


urlpatterns = [
    path("", include("accesscontrol.oauth.urls")),
    path("api/<uuid:tenant_id>/modules", Modules.as_view()),
    path("api/<uuid:tenant_id>/single", Single.as_view()),
    path("api/<uuid:tenant_id>/undeclared", Undeclared.as_view()),
    path("api/application/self", OwnApplication.as_view()),
]
