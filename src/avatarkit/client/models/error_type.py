from enum import StrEnum


class ErrorType(StrEnum):
    CONFLICT = "conflict"
    FORBIDDEN = "forbidden"
    INVALID_REQUEST = "invalid_request"
    NOT_AUTHENTICATED = "not_authenticated"
    NOT_FOUND = "not_found"
    PROVIDER = "provider"
    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    TOO_LARGE = "too_large"
    UNAVAILABLE = "unavailable"
    UNUSABLE = "unusable"

    def __str__(self) -> str:
        return str(self.value)
