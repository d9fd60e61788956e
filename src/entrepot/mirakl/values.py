"""The words of the `mirakl` schema: states, kinds and outcomes."""

#: Order states that Mirakl documents. Others are stored and shown, and acted on by nobody (K2).
MIRAKL_STATES = (
    "STAGING",
    "WAITING_ACCEPTANCE",
    "WAITING_DEBIT",
    "WAITING_DEBIT_PAYMENT",
    "SHIPPING",
    "SHIPPED",
    "TO_COLLECT",
    "RECEIVED",
    "CLOSED",
    "REFUSED",
    "CANCELED",
)
#: States that a line has beside those of its order.
MIRAKL_LINE_STATES = (
    *MIRAKL_STATES,
    "WAITING_REFUND",
    "WAITING_REFUND_PAYMENT",
    "REFUNDED",
    "INCIDENT_OPEN",
    "INCIDENT_CLOSED",
)

#: What we have done with an order; status history holds nothing else, and TRANSITIONS says what may follow what (K5).
STATUSES = (
    "pending_acceptance",
    "waiting_for_person",
    "accepting",
    "accepted",
    "refusing",
    "refused",
    "acceptance_failed",
    "ready_to_ship",
    "label_created",
    "shipping_failed",
    "tracking_sent",
    "tracking_failed",
    "shipped",
    "delivered",
    "closed",
    "shipment_cancelled",
    "refund_requested",
    "cancelled",
)
#: From a status to those that may come next. `cancelled` may come from anywhere before delivery: the marketplace
#: decides it, not we.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "pending_acceptance": (
        "waiting_for_person",
        "accepting",
        "refusing",
        "acceptance_failed",
        "cancelled",
        "accepted",
        "refused",
    ),
    "waiting_for_person": ("accepting", "refusing", "cancelled", "accepted", "refused"),
    "accepting": ("accepted", "acceptance_failed", "cancelled", "refused"),
    "acceptance_failed": ("accepting", "refusing", "waiting_for_person", "accepted", "refused", "cancelled"),
    "refusing": ("refused", "acceptance_failed", "cancelled", "accepted"),
    "refused": (),
    "accepted": ("ready_to_ship", "cancelled", "refused"),
    "ready_to_ship": ("label_created", "shipping_failed", "cancelled", "shipped"),
    "shipping_failed": ("ready_to_ship", "label_created", "cancelled", "shipped"),
    "label_created": (
        "tracking_sent",
        "tracking_failed",
        "shipped",
        "shipment_cancelled",
        "refund_requested",
        "cancelled",
    ),
    "tracking_failed": (
        "label_created",
        "tracking_sent",
        "shipped",
        "shipment_cancelled",
        "refund_requested",
        "cancelled",
    ),
    "tracking_sent": ("shipped", "tracking_failed", "shipment_cancelled", "refund_requested", "cancelled"),
    "shipment_cancelled": ("ready_to_ship", "cancelled"),
    "refund_requested": ("shipment_cancelled", "ready_to_ship", "cancelled"),
    "shipped": ("delivered", "closed", "cancelled"),
    "delivered": ("closed",),
    "closed": (),
    "cancelled": (),
}
#: Statuses that an order may have when it is first taken in: it may have been accepted, shipped or ended elsewhere.
FIRST_STATUSES = (
    "pending_acceptance",
    "accepted",
    "ready_to_ship",
    "shipped",
    "closed",
    "refused",
    "cancelled",
)
#: What a rule answers an order: accept it, refuse it, or ask a person.
ANSWERS = ("accept", "refuse", "ask")
#: Statuses after which nothing is left to do.
ENDS = ("refused", "closed", "cancelled", "delivered")

#: What becomes of a step that speaks to an outside service.
OUTCOMES = ("intended", "done", "transient", "permanent", "unknown")

MOVEMENTS = ("receipt", "reservation", "release", "consumption", "adjustment", "return")
CONVERSATION_STATUSES = ("unread", "read", "archived")
SENDERS = ("customer", "technician", "operator", "system")
MESSAGE_TYPES = ("manual", "auto_reply", "received")
SENDING = ("received", "pending", "sending", "sent", "failed", "unknown", "withdrawn")
RECIPIENTS = ("customer", "operator")
PARCEL_STATES = ("planned", "buying", "bought", "labelled", "void", "refund_requested", "refunded", "failed")
#: What a barcode read at the packing station was. `too_early`: the label, before everything was in the parcel.
SCAN_OUTCOMES = ("component", "label", "already", "not_needed", "unknown", "wrong_label", "too_early")
FAILURE_STATES = ("open", "retrying", "resolved")
FAILURE_KINDS = ("transient", "permanent", "unknown", "decision")
