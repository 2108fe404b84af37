"""What the synthetic ledger is of: its months, labels and weights, and where its files lie. Only the standard library is needed.

Apart from its making (benchmarks.ledger_generator), so that a process that only hands out work imports neither numpy nor Arrow.
"""

from __future__ import annotations

from pathlib import Path

FIRST_YEAR, YEARS = 2015, 11
MONTHS = tuple(f"{year}-{month:02d}" for year in range(FIRST_YEAR, FIRST_YEAR + YEARS) for month in range(1, 13))

CURRENCIES = ("GBP", "USD", "AUD", "CAD", "EUR", "NZD", "SGD", "CHF")
COUNTRY_CURRENCY = {
    "GB": "GBP",
    "US": "USD",
    "AU": "AUD",
    "CA": "CAD",
    "IE": "EUR",
    "NZ": "NZD",
    "DE": "EUR",
    "FR": "EUR",
    "NL": "EUR",
    "SG": "SGD",
}
COUNTRIES = tuple(COUNTRY_CURRENCY)
COUNTRY_WEIGHTS = (34, 28, 8, 7, 4, 3, 6, 5, 3, 2)
REGIONS_A_COUNTRY = 50
REGIONS = tuple(f"{country}-{number:02d}" for country in COUNTRIES for number in range(REGIONS_A_COUNTRY))
# Type of fraud -> mean of the logarithm of its losses.
LOG_LOSS = {
    "investment": 8.3,
    "romance": 7.9,
    "purchase": 5.2,
    "advance_fee": 6.2,
    "impersonation_bank": 7.4,
    "impersonation_police": 7.2,
    "invoice_mandate": 8.0,
    "phishing": 5.0,
    "identity_theft": 5.8,
    "tech_support": 6.0,
    "rental": 6.6,
    "crypto": 7.8,
}
LOG_LOSS_SPREAD, SHARE_WITHOUT_LOSS = 1.6, 0.3
LABELS: dict[str, tuple[str, ...]] = {
    "region": REGIONS,
    "fraud_type": tuple(LOG_LOSS),
    "contact": ("phone", "email", "sms", "social", "website", "messaging", "in_person", "post", "marketplace", "unknown"),
    "payment": ("transfer", "credit", "debit", "crypto", "cash", "gift_card", "cheque", "app", "wire", "none"),
    "offender_location": ("unknown", *(f"abroad_{number:02d}" for number in range(19))),
    "age": ("LT18", "18_24", "25_34", "35_44", "45_54", "55_64", "65_74", "75_84", "GE85", "unknown"),
    "sex": ("F", "M", "X", "unknown"),
    "currency": CURRENCIES,
}
AGE_WEIGHTS, SEX_WEIGHTS = (2, 9, 17, 17, 16, 15, 11, 6, 3, 4), (46, 45, 1, 8)


def partition(folder: Path, month: str) -> Path:
    """Where a month's reports lie."""
    return folder / f"synthetic_ledger_{month}.parquet"
