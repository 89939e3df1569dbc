from enum import StrEnum


class ErrorCode(StrEnum):
    ALLOWANCE_EXCEEDED = "allowance_exceeded"
    BODY_TOO_LARGE = "body_too_large"
    BUDGET_EXCEEDED = "budget_exceeded"
    CONFLICT = "conflict"
    CONSENT_REQUIRED = "consent_required"
    CROSS_SITE = "cross_site"
    ILLEGAL_TRANSITION = "illegal_transition"
    INVALID_CURSOR = "invalid_cursor"
    INVALID_REQUEST = "invalid_request"
    MEDIA_REJECTED = "media_rejected"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_AUTHENTICATED = "not_authenticated"
    NOT_CONFIGURED = "not_configured"
    NOT_FOUND = "not_found"
    OPERATORS_ONLY = "operators_only"
    PROVIDER_BUSY = "provider_busy"
    PROVIDER_FAILED = "provider_failed"
    RATE_LIMITED = "rate_limited"
    REQUEST_TIMEOUT = "request_timeout"
    SERVER_BUSY = "server_busy"
    SERVER_FAILED = "server_failed"
    SERVICE_DISCONTINUED = "service_discontinued"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    UNKNOWN_HOST = "unknown_host"
    UNSUPPORTED = "unsupported"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_PROTOCOL = "unsupported_protocol"
    WEBHOOK_REJECTED = "webhook_rejected"
    WRONG_OFFSET = "wrong_offset"

    def __str__(self) -> str:
        return str(self.value)
