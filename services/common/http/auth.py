"""`Authorization: Bearer KEY` on every `/v1` path."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.common.http.keys import Authenticator
from services.common.http.problems import Problem

_bearer = HTTPBearer(auto_error=False, description="An API key: `mention-triage keys add TENANT`")


async def authenticated_tenant(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Dependency: the tenant of the request's key. Raises a 401 problem. The app holds `state.authenticator`.

    A coroutine although it awaits nothing: FastAPI would run a plain function in a thread, for every request.
    """
    authenticator: Authenticator = request.app.state.authenticator
    tenant = authenticator.tenant_of(credentials.credentials) if credentials else None
    if tenant is None:
        raise Problem(
            401,
            "unauthenticated",
            "send `Authorization: Bearer KEY` with a valid key; `mention-triage keys add TENANT` makes one",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return tenant


Tenant = Annotated[str, Depends(authenticated_tenant)]
