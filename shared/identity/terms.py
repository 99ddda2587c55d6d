"""The words that a policy may use: operations, permissions, and Presidio's names as facts.

Presidio itself is not imported here. A test compares the two lists of names with the installed version.
"""

from __future__ import annotations

from typing import Literal, get_args

Operation = Literal[
    "pii.analyze",
    "pii.anonymize",
    "pii.deanonymize",
    "pii.redact",
    "audit.read",
    "audit.review",
    "service.operate",
    "approval.decide",
]
"""Operations that a role must be permitted to do."""

OPERATIONS: tuple[str, ...] = get_args(Operation)

OPEN_OPERATIONS = ("catalog.read", "identity.read", "approval.request", "approval.read")
"""Operations that need no permission: /whoami needs any valid token, the others any role of the policy.

What an approval is asked for is decided as if the call had come. Who may decide sees all that is asked for,
others what they asked for themselves.
"""

Permission = Literal[
    "pii.analyze",
    "pii.anonymize",
    "pii.deanonymize",
    "pii.redact",
    "pii.sensitive",
    "audit.read",
    "audit.review",
    "service.operate",
    "approval.decide",
]
"""An operation, or `pii.sensitive`: to be told of sensitive entity types by pii.analyze."""

TextOperation = Literal["pii.analyze", "pii.anonymize", "pii.deanonymize", "pii.redact"]
TEXT_OPERATIONS: frozenset[str] = frozenset(get_args(TextOperation))
OPERATOR_OPERATIONS = frozenset({"pii.anonymize", "pii.deanonymize", "pii.redact"})
DETECTING_OPERATIONS = frozenset({"pii.analyze", "pii.redact"})

_OPERATOR_NAMES = """
custom encrypt hash keep mask redact replace surrogate_ahds
decrypt deanonymize_keep
"""

_ENTITY_NAMES = """
AGE CREDIT_CARD CRYPTO DATE_TIME EMAIL EMAIL_ADDRESS IBAN_CODE ID IP_ADDRESS LOCATION MAC_ADDRESS
MEDICAL_LICENSE NRP ORGANIZATION PERSON PHONE_NUMBER URL UUID
MEDICAL_BIOLOGICAL_ATTRIBUTE MEDICAL_BIOLOGICAL_STRUCTURE MEDICAL_CLINICAL_EVENT
MEDICAL_DISEASE_DISORDER MEDICAL_FAMILY_HISTORY MEDICAL_HISTORY MEDICAL_MEDICATION
MEDICAL_THERAPEUTIC_PROCEDURE
ABA_ROUTING_NUMBER US_BANK_NUMBER US_CLAIM_NUMBER US_DRIVER_LICENSE US_HEALTH_INSURANCE_MEMBER_ID
US_ITIN US_MBI US_NPI US_PASSPORT US_PRESCRIPTION_NUMBER US_PRIOR_AUTHORIZATION_NUMBER
US_PROVIDER_TAX_ID US_REFERRAL_NUMBER US_SSN
AU_ABN AU_ACN AU_MEDICARE AU_TFN
CA_POSTAL_CODE CA_SIN
DE_BSNR DE_FUEHRERSCHEIN DE_HANDELSREGISTER DE_HEALTH_INSURANCE DE_ID_CARD DE_KFZ DE_LANR DE_PASSPORT
DE_PLZ DE_SOCIAL_SECURITY DE_TAX_ID DE_TAX_NUMBER DE_VAT_ID
ES_NIE ES_NIF ES_PASSPORT
FI_PERSONAL_IDENTITY_CODE
IN_AADHAAR IN_GSTIN IN_PAN IN_PASSPORT IN_VEHICLE_REGISTRATION IN_VOTER
IT_DRIVER_LICENSE IT_FISCAL_CODE IT_IDENTITY_CARD IT_PASSPORT IT_VAT_CODE
KR_BRN KR_DRIVER_LICENSE KR_FRN KR_PASSPORT KR_RRN
NG_NIN NG_VEHICLE_REGISTRATION
PH_PASSPORT PH_TIN PH_UMID
PL_PESEL
SE_ORGANISATIONSNUMMER SE_PERSONNUMMER
SG_NRIC_FIN SG_UEN
TH_TNIN
TR_LICENSE_PLATE TR_NATIONAL_ID
UK_DRIVING_LICENCE UK_NHS UK_NINO UK_PASSPORT UK_POSTCODE UK_VEHICLE_REGISTRATION
ZA_COMPANY_REGISTRATION ZA_DRIVER_LICENSE ZA_ID_NUMBER ZA_INCOME_TAX_NUMBER ZA_LICENSE_PLATE
ZA_MOBILE_NUMBER ZA_PASSPORT ZA_TELEPHONE_NUMBER ZA_TRAFFIC_REGISTER_NUMBER ZA_VAT_NUMBER
"""

OPERATORS = frozenset(_OPERATOR_NAMES.split())
"""Presidio 2.2.366: the operators of anonymize, then those of deanonymize."""

ENTITY_TYPES = frozenset(_ENTITY_NAMES.split())
"""Presidio 2.2.366: every entity type of its predefined recognizers, those off by default included."""
