"""Django views that start a training and report its status; a project of one file.

    AVATARKIT_STACK=fake python django_view.py runserver --noreload

``SyncAvatarKit`` is opened on the first request, in the process that serves it: never before a
server forks its workers. Run ``avatarkit worker`` beside it to process the trainings.
"""

import atexit
import functools
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from avatarkit import Consent, SyncAvatarKit, errors

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1", "localhost", "testserver"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="only for this example",  # noqa: S106
    )
    django.setup()


@functools.cache
def kit() -> SyncAvatarKit:
    """Open one client for this process; it only reads and writes records."""
    opened = SyncAvatarKit(worker=False).__enter__()
    atexit.register(opened.__exit__, None, None, None)
    return opened


@require_POST
def create(request: HttpRequest) -> JsonResponse:
    """Start a training from an uploaded recording and portrait."""
    try:
        training = kit().train(
            user_id="ana",  # str(request.user.pk) in a project with users
            clone_id="ana-main",
            voice=[request.FILES["voice"]],
            footage=request.FILES["portrait"],
            consent=Consent(subject=request.POST["name"]),
        )
    except errors.MediaRejected as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"id": training.id}, status=201)


@require_GET
def status(request: HttpRequest, training_id: str) -> JsonResponse:
    """Report the status of a training."""
    del request
    training = kit().get(training_id)
    return JsonResponse({"status": training.status, "progress": training.progress})


urlpatterns = [path("avatars", create), path("avatars/<training_id>", status)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
