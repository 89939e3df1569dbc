"""Train an avatar from two files and save a video of it, without ``await``.

avatarkit demo --save-samples
python sync_script.py me.wav me.jpg "Hello!" hello.mp4
"""

import sys

from avatarkit import Consent, SyncAvatarKit


def main(voice: str, portrait: str, script: str, target: str) -> None:
    """Make one video; the stack comes from AVATARKIT_STACK, by default ``local``."""
    with SyncAvatarKit() as kit:
        training = kit.train(
            user_id="ana",
            clone_id="ana-main",
            voice=[voice],
            footage=portrait,
            consent=Consent(subject="Ana Lima"),
        )
        for update in kit.watch(training.id):
            print(update.status, update.progress)
        video = kit.speak(training.id, script)
        print(kit.save(video, target))


if __name__ == "__main__":
    main(*sys.argv[1:])
