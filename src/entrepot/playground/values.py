"""The words that columns of the warehouse may hold; each list is a CHECK in the database."""

#: Where a row comes from: the simulator, a part of the program whose events became facts, or the
#: warehouse itself, of its own work.
ORIGINS = ("simulated", "pim", "marketplace", "mirakl", "api", "warehouse")

ENTITY_TYPES = (
    "user",
    "user_shop",
    "shop_product",
    "user_invoice",
    "user_payment",
    "shop_order",
    "shop_review",
    "shop_promotion",
    "user_payment_method",
    "unknown",
)

SHOP_CATEGORIES = (
    "retail",
    "restaurant",
    "services",
    "technology",
    "fashion",
    "health",
    "entertainment",
    "other",
)

PRODUCT_CATEGORIES = (
    "electronics",
    "clothing",
    "food",
    "books",
    "home",
    "beauty",
    "sports",
    "toys",
    "automotive",
    "health",
    "other",
)

PRODUCT_STATUSES = ("active", "inactive", "out_of_stock", "discontinued")

ORDER_STATUSES = (
    "pending",
    "processing",
    "shipped",
    "delivered",
    "cancelled",
    "refunded",
    "on_hold",
    "returned",
)

SHIPPING_METHODS = ("standard", "express", "overnight", "local_pickup", "international")

PAYMENT_METHOD_TYPES = ("credit_card", "debit_card", "bank_account", "digital_wallet", "crypto_wallet")

PAYMENT_METHOD_STATUSES = ("active", "expired", "suspended", "deleted")

PAYMENT_STATUSES = (
    "draft",
    "pending",
    "processing",
    "completed",
    "paid",
    "partially_paid",
    "failed",
    "overdue",
    "cancelled",
    "refunded",
    "partially_refunded",
)

PAYMENT_TERMS = ("immediate", "net_15", "net_30", "net_45", "net_60", "custom")

PROMOTION_TYPES = (
    "percentage",
    "fixed_amount",
    "buy_x_get_y",
    "bundle",
    "free_shipping",
    "minimum_purchase",
)

PROMOTION_STATUSES = ("draft", "scheduled", "active", "paused", "ended", "cancelled")

APPLICABILITIES = ("all_products", "specific_products", "specific_categories", "minimum_order")

REVIEW_TYPES = ("shop", "product")

REVIEW_STATUSES = ("pending", "approved", "rejected", "reported", "removed")

INVENTORY_CHANGES = (
    "purchase",
    "sale",
    "return",
    "adjustment",
    "loss",
    "recount",
    "transfer_in",
    "transfer_out",
    "reservation",
    "reservation_release",
)

#: What can happen, in the order of a customer's way through the world. Which columns of global_events a type fills
#: is said in docs/reference/warehouse.md.
EVENT_TYPES = (
    # accounts
    "user_registered",
    "user_logged_in",
    "user_deactivated",
    "user_reactivated",
    "payment_method_added",
    "payment_method_expired",
    "payment_method_deleted",
    # shops and products
    "shop_opened",
    "shop_closed",
    "shop_reopened",
    "product_listed",
    "product_price_changed",
    "product_out_of_stock",
    "product_back_in_stock",
    "product_discontinued",
    "promotion_created",
    "promotion_started",
    "promotion_paused",
    "promotion_ended",
    # carts
    "product_viewed",
    "cart_item_added",
    "cart_item_removed",
    "cart_abandoned",
    "checkout_started",
    # orders
    "order_placed",
    "order_on_hold",
    "order_processing",
    "order_shipped",
    "order_delivered",
    "order_cancelled",
    "order_returned",
    "order_refunded",
    # payments and invoices
    "payment_initiated",
    "payment_completed",
    "payment_failed",
    "payment_refunded",
    "invoice_issued",
    "invoice_paid",
    "invoice_overdue",
    "invoice_cancelled",
    # reviews
    "review_submitted",
    "review_approved",
    "review_rejected",
    "review_reported",
    "review_removed",
    # the program itself
    "import_completed",
    "metrics_rollup_completed",
    "metrics_rollup_failed",
    "data_integrity_violated",
    "fraud_suspected",
    "api_error",
    "system_notice",
)
