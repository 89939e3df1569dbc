"""Environment variables that avatarkit reads: one table for the code, the docs and their tests.

Each name that begins with ``AVATARKIT_`` and occurs in the source stands here exactly once; a test
compares the two. Names with ``<PROVIDER>`` are read for each provider: its name in upper case, with
``_`` for each character that is no letter or digit (``d-id``: ``AVATARKIT_D_ID_API_KEY``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PROVIDER: Final = "<PROVIDER>"
OTHER: Final = "<OTHER>"


class Reader(StrEnum):
    """Program that reads a variable."""

    CLIENT = "client"  #: every ``AvatarKit``: in your application, the server and the workers
    SERVER = "server"  #: ``avatarkit serve``; an application passes the value to ``create_app``
    CLI = "CLI"  #: other commands that make no client


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable; ``argument`` is the Python argument that takes its place."""

    name: str
    meaning: str
    default: str = "none"
    argument: str = "-"
    read_by: tuple[Reader, ...] = (Reader.CLIENT,)
    secret: bool = False

    def matches(self, name: str) -> bool:
        """Whether ``name`` is this variable, or one of the family that it describes."""
        pattern = re.escape(self.name)
        for part in (PROVIDER, OTHER):
            pattern = pattern.replace(re.escape(part), "[A-Z0-9_]+")
        return re.fullmatch(pattern, name) is not None


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="AVATARKIT_STACK",
        meaning="Stack of providers, such as `heygen` or `elevenlabs+d-id`.",
        default="`local`",
        argument="`AvatarKit(stack)`, `--stack`",
    ),
    Variable(
        name="AVATARKIT_REPOSITORY",
        meaning="Database: `sqlite:///FILE`, `postgresql://HOST/DATABASE`, `supabase://` or "
        "`memory://`. May hold a password.",
        default="`sqlite:///.avatarkit/avatarkit.db`",
        argument="`AvatarKit(repository=)`, `--repository`",
        secret=True,
    ),
    Variable(
        name="AVATARKIT_MEDIA",
        meaning="Media store: a folder, `s3://BUCKET/PREFIX` or `supabase://`.",
        default="`.avatarkit/media`",
        argument="`AvatarKit(media=)`, `--media`",
    ),
    Variable(
        name="AVATARKIT_HOME",
        meaning="Local data directory: voices and avatars of `local` and `coqui`, and unfinished "
        "uploads.",
        default="`.avatarkit` beside an SQLite database, else in the working directory",
        argument="`Settings(root=)`",
    ),
    Variable(
        name="AVATARKIT_BUDGET",
        meaning="Spending limit of the project for each calendar month, in US dollars.",
        argument="`AvatarKit(budgets=)`",
    ),
    Variable(
        name="AVATARKIT_USER_BUDGET",
        meaning="Spending limit of each user for each calendar month, in US dollars.",
        argument="`AvatarKit(budgets=)`",
    ),
    Variable(
        name="AVATARKIT_BUDGET_ALLOWS",
        meaning="Providers, separated by commas, whose prices may be unknown under these budgets.",
        argument="`Budget(allow_unknown=)`, `--allow-unknown`",
    ),
    Variable(
        name="AVATARKIT_PRICES",
        meaning="TOML file with your own price entries.",
        argument="`Prices.load(file=)`, `--prices`",
        read_by=(Reader.CLIENT, Reader.CLI),
    ),
    Variable(
        name="AVATARKIT_PUBLIC_URL",
        meaning="Public https address of the server, with the path below which it is mounted; "
        "used in webhook addresses and in links to media in a folder.",
        argument="`Settings(inboxes=)`, `FolderStore(base_url=)`",
        read_by=(Reader.CLIENT, Reader.CLI),
    ),
    Variable(
        name="AVATARKIT_WEBHOOK_SECRET",
        meaning="Secret part of the webhook address, 16 random characters or more.",
        default="with an SQLite database, made once and kept beside it",
        argument="`create_app(webhook_secret=)`, `Settings(inboxes=)`",
        read_by=(Reader.CLIENT, Reader.SERVER, Reader.CLI),
        secret=True,
    ),
    Variable(
        name="AVATARKIT_MEDIA_SECRET",
        meaning="Signs links to media in a folder.",
        default="`avatarkit serve`: random, until the process ends",
        argument="`create_app(link_secrets=)`, `FolderStore(secret=)`",
        read_by=(Reader.CLIENT, Reader.SERVER),
        secret=True,
    ),
    Variable(
        name="AVATARKIT_TOKEN",
        meaning="Token that opens the dashboard and the API of `avatarkit serve`.",
        default="random at each start, in the printed address",
        argument="`--token`; `create_app(authenticate=)`",
        read_by=(Reader.SERVER,),
        secret=True,
    ),
    Variable(
        name="AVATARKIT_C2PA_CERTIFICATES",
        meaning="Path of the PEM file with the certificate chain that signs Content Credentials.",
        argument="`AvatarKit(marking=)`",
    ),
    Variable(
        name="AVATARKIT_C2PA_KEY",
        meaning="Path of the PEM file with the private key of that certificate.",
        argument="`AvatarKit(marking=)`",
        secret=True,
    ),
    Variable(
        name="AVATARKIT_C2PA_ALGORITHM",
        meaning="Signature algorithm of that key.",
        default="`es256`",
        argument="`AvatarKit(marking=)`",
    ),
    Variable(
        name="AVATARKIT_C2PA_TIMESTAMPS",
        meaning="Address of a time-stamp authority that dates the signature.",
        argument="`AvatarKit(marking=)`",
    ),
    Variable(
        name=f"AVATARKIT_{PROVIDER}_API_KEY",
        meaning="API key of a provider.",
        default="the vendor's own variable",
        argument="`ProviderSettings(api_key=)`",
        secret=True,
    ),
    Variable(
        name=f"AVATARKIT_{PROVIDER}_CLIENT_ID",
        meaning="Client ID that some vendors require beside the key.",
        default="the vendor's own variable",
        argument="`ProviderSettings(client_id=)`",
    ),
    Variable(
        name=f"AVATARKIT_{PROVIDER}_BASE_URL",
        meaning="Address of the provider's API, where it is not the usual one.",
        default="the vendor's public API",
        argument="`ProviderSettings(base_url=)`",
    ),
    Variable(
        name=f"AVATARKIT_{PROVIDER}_WEBHOOK_SECRETS",
        meaning="Secrets with which the vendor signs webhooks, separated by commas.",
        argument="`ProviderSettings(webhook_secrets=)`",
        read_by=(Reader.SERVER,),
        secret=True,
    ),
    Variable(
        name=f"AVATARKIT_{PROVIDER}_{OTHER}_API_KEY",
        meaning="Your key of another vendor that this provider may use, such as "
        "`AVATARKIT_D_ID_ELEVENLABS_API_KEY`.",
        argument="`ProviderSettings(other_keys=)`",
        secret=True,
    ),
)

#: Variables of other programs that avatarkit reads as they are.
FOREIGN: tuple[Variable, ...] = (
    Variable(
        name="SUPABASE_URL",
        meaning="Address of the Supabase project, for `supabase://`.",
        argument="`SupabaseRepository(url)`, `SupabaseStore(url)`",
    ),
    Variable(
        name="SUPABASE_SERVICE_ROLE_KEY",
        meaning="Secret key of the project (`sb_secret_...` or the older service role key).",
        argument="`SupabaseRepository(key)`, `SupabaseStore(key)`",
        secret=True,
    ),
    Variable(
        name="SUPABASE_SECRET_KEY",
        meaning="The same, read where `SUPABASE_SERVICE_ROLE_KEY` is not set.",
        argument="`SupabaseRepository(key)`, `SupabaseStore(key)`",
        secret=True,
    ),
    Variable(
        name="AWS_REGION",
        meaning="Region of the bucket, for `s3://`.",
        argument="`S3Store(region=)`",
    ),
    Variable(
        name="AWS_ACCESS_KEY_ID",
        meaning="Credentials for `s3://`; without them those of the machine's role are used.",
        argument="`S3Store(access_key_id=)`",
    ),
    Variable(
        name="AWS_SECRET_ACCESS_KEY",
        meaning="Secret of these credentials.",
        argument="`S3Store(secret_access_key=)`",
        secret=True,
    ),
    Variable(
        name="AWS_SESSION_TOKEN",
        meaning="Session token of temporary credentials.",
        secret=True,
    ),
    Variable(
        name="AWS_ENDPOINT_URL",
        meaning="Address of another S3 service: MinIO, R2, Ceph.",
        default="AWS",
        argument="`S3Store(endpoint=)`",
    ),
    Variable(
        name="COQUI_TOS_AGREED",
        meaning="`1` accepts the non-commercial licence of the XTTS weights.",
        argument="`Coqui(accept_cpml=True)`",
    ),
    Variable(
        name="ORT_DISABLE_TELEMETRY",
        meaning="Telemetry of onnxruntime; `local` sets it to `1` unless it is set.",
        default="`1`",
    ),
    Variable(
        name="TMPDIR",
        meaning="Folder for streams that are spooled before an upload.",
        default="`/tmp`",
    ),
)
