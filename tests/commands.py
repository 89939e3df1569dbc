"""Commands that a test starts, and that end with it."""

from contextlib import contextmanager


@contextmanager
def commands():
    """List for started processes; at the end of the block they are killed."""
    started = []
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
            process.wait()
