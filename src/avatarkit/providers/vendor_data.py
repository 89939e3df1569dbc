"""Vendor data files: limits, consent rules, error codes and sunsets, with source and date.

What a vendor's wire format can carry is code (``Capabilities``); what the vendor allows today is
data, in ``data/<vendor>.toml``. A file is read and validated once, when it is first needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from .. import errors
from ..interfaces import Limits, Mapped, Settings, Sunset
from ..models import ConsentRule, Operation

if TYPE_CHECKING:
    from .vendor_file import VendorFile

PACKAGE = "avatarkit.providers"


@dataclass(frozen=True)
class _LazySettings(Mapping[Operation, tuple[Mapped, ...]]):
    """Settings of a data file, which is not read before one is looked up."""

    data: VendorData

    @cached_property
    def _rows(self) -> Settings:
        tables = self.data.file.settings
        return {
            operation: tuple(row for t in tables if t.operation is operation for row in t.rows)
            for operation in dict.fromkeys(table.operation for table in tables)
        }

    def __getitem__(self, operation: Operation) -> tuple[Mapped, ...]:
        return self._rows[operation]

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


@dataclass(frozen=True)
class VendorData:
    """Data file of a vendor, read at first use.

    Each attribute raises ``ConfigError``, naming the file and the entry, if the file is missing or
    invalid.
    """

    vendor: str
    package: str

    @property
    def limits(self) -> Limits:
        """Bounds on samples and scripts."""
        return self.file.limits

    @property
    def consent_rules(self) -> tuple[ConsentRule, ...]:
        """Consent that the vendor demands."""
        return self.file.consent_rules

    @property
    def sunsets(self) -> tuple[Sunset, ...]:
        """Announced ends of what the vendor offers."""
        return self.file.sunsets

    @cached_property
    def codes(self) -> Mapping[str, type[errors.ProviderError]]:
        """Our error for each error code of the vendor."""
        return MappingProxyType(
            {c: entry.raises for entry in self.file.errors for c in entry.codes}
        )

    @property
    def settings(self) -> Settings:
        """Video settings that it carries out, for ``Capabilities``; read at first use."""
        return _LazySettings(self)

    def words(self, table: str) -> Mapping[str, str]:
        """Return the vendor's words for our codes, such as ``words("languages")["de"]``."""
        return self.file.words[table].words

    @cached_property
    def file(self) -> VendorFile:
        """The whole file."""
        from .vendor_file import read  # here, since an import of an adapter should not wait for it

        return read(self.vendor, self.package)


def vendor_data(vendor: str, *, package: str | None = PACKAGE) -> VendorData:
    """Return the data file ``data/<vendor>.toml`` of a package; it is read at first use.

    A plug-in names its own package, usually as ``package=__package__``.
    """
    if not package:
        raise errors.ConfigError(f"the data of {vendor} has no package. Import it from a package.")
    return VendorData(vendor, package)
