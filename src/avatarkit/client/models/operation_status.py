from enum import StrEnum


class OperationStatus(StrEnum):
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    INTENT = "intent"
    LOST = "lost"
    NEEDS_ACTION = "needs_action"
    NONE = "none"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"

    def __str__(self) -> str:
        return str(self.value)
