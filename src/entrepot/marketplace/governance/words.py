"""The vocabulary of centralized policies: kinds, seller types, subjects, and what their columns may hold."""

from typing import Final, Literal

#: Country code or seller type of a policy that is for all of them.
ANY: Final = "*"

Kind = Literal[
    "onboarding",
    "promotion",
    "commission",
    "payout",
    "compliance",
    "tax",
    "fulfillment",
    "eligibility",
    "experiment",
]
#: Kind of policy → its table.
KINDS: dict[str, str] = {
    "onboarding": "hm_onboarding_policy",
    "promotion": "hm_promotion_policy",
    "commission": "hm_commission_policy",
    "payout": "hm_payout_policy",
    "compliance": "hm_compliance_policy",
    "tax": "hm_tax_policy",
    "fulfillment": "hm_fulfillment_policy",
    "eligibility": "hm_product_eligibility_policy",
    "experiment": "hm_policy_experiment_flags",
}
TESTED_KINDS = tuple(kind for kind in KINDS if kind != "experiment")

SellerType = Literal[
    "*", "INDIVIDUAL", "ARTISAN", "HOME_MAKER", "SMALL_BUSINESS", "ENTERPRISE", "DROPSHIPPER"
]
SELLER_TYPES = ("INDIVIDUAL", "ARTISAN", "HOME_MAKER", "SMALL_BUSINESS", "ENTERPRISE", "DROPSHIPPER")

SubjectType = Literal["SELLER", "STORE", "ONBOARDING_CASE"]
SUBJECT_TYPES = ("SELLER", "STORE", "ONBOARDING_CASE")

Frequency = Literal["DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY"]
FREQUENCIES = ("DAILY", "WEEKLY", "BIWEEKLY", "MONTHLY")

DiscountType = Literal["PERCENTAGE", "FIXED_AMOUNT"]
DISCOUNT_TYPES = ("PERCENTAGE", "FIXED_AMOUNT")

FeeBasis = Literal["ORDER", "LINE", "UNIT"]
FEE_BASES = ("ORDER", "LINE", "UNIT")

TaxModel = Literal["DESTINATION_BASED", "ORIGIN_BASED"]
TAX_MODELS = ("DESTINATION_BASED", "ORIGIN_BASED")
#: Calculation engine of taxes that the pricing engine reckons itself; every other name is a service outside.
OWN_ENGINE: Final = "PRICING"

EnforcementLevel = Literal["MANDATORY", "RECOMMENDED", "OPTIONAL"]
ENFORCEMENT_LEVELS = ("MANDATORY", "RECOMMENDED", "OPTIONAL")

ComplianceType = Literal["KYC", "AML", "GDPR", "TAX_COMPLIANCE", "DATA_PROTECTION", "PRODUCT_SAFETY"]
COMPLIANCE_TYPES = ("KYC", "AML", "GDPR", "TAX_COMPLIANCE", "DATA_PROTECTION", "PRODUCT_SAFETY")

#: FBA is fulfilled by the platform, MFN by the seller, DROPSHIP by the seller's supplier.
Channel = Literal["FBA", "MFN", "DROPSHIP"]
CHANNELS = ("FBA", "MFN", "DROPSHIP")

Tier = Literal["BRONZE", "SILVER", "GOLD", "PLATINUM"]
#: Seller tiers, the lowest first.
TIERS = ("BRONZE", "SILVER", "GOLD", "PLATINUM")
