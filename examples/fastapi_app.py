"""A FastAPI application whose users train avatars; see docs/tutorials/your-app.md.

AVATARKIT_STACK=fake uvicorn fastapi_app:app
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from starlette.requests import HTTPConnection

from avatarkit import AvatarKit, Consent
from avatarkit.errors import AvatarKitError, MediaRejected
from avatarkit.server import create_app

USERS = {"a-session-token-of-ana": "ana"}  # your own sessions and users
HOSTS = ["127.0.0.1", "localhost", "testserver"]  # "testserver" is FastAPI's TestClient

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>My avatar</title>
<script type="module" src="/avatars/static/avatar-training.js"></script>
<avatar-training src="/avatars/"></avatar-training>
<script type="module">
  const avatar = document.querySelector("avatar-training");
  avatar.token = "a-session-token-of-ana";
  avatar.trainingId = new URLSearchParams(location.search).get("training");
</script>
"""


async def user_of(request: HTTPConnection) -> str | None:
    """User ID of a request, or None. It may read headers and cookies."""
    return USERS.get(request.headers.get("authorization", "").removeprefix("Bearer "))


def make_app(make_kit: Callable[[], AvatarKit] = AvatarKit) -> FastAPI:
    """Build the application; tests pass a function that makes another client."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with make_kit() as kit:
            app.state.kit = kit
            api = create_app(kit, authenticate=user_of, hosts=HOSTS, opened=True)
            app.mount("/avatars", api)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/me", response_class=HTMLResponse)
    async def page() -> str:
        """Show the progress of a training."""
        return PAGE

    @app.post("/signup", status_code=201)
    async def sign_up(request: Request, name: str) -> dict[str, str]:
        user_id = await user_of(request)
        if user_id is None:
            raise HTTPException(401)
        try:
            training = await request.app.state.kit.train(
                user_id=user_id,
                clone_id=f"{user_id}-main",  # its stored samples are used
                consent=Consent(subject=name),
                idempotency_key="signup",
            )
        except MediaRejected as error:  # for the user: no samples yet, or samples that cannot work
            raise HTTPException(422, str(error)) from error
        except AvatarKitError as error:  # for your log: a budget, a key, the database
            raise HTTPException(503) from error
        return {"training_id": training.id}

    return app


app = make_app()
