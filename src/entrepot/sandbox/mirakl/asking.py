"""Invented questions of customers: the same seed asks the same of the same orders."""

from collections.abc import Iterator, Sequence
from random import Random

_QUESTIONS = (
    ("Delivery", "Hello, when will my laptop be shipped? Thank you."),
    ("Delivery", "Is there a tracking number for my order?"),
    ("Product", "Does the laptop come with a charger for Canada?"),
    ("Product", "How many cycles does the battery have?"),
    ("Product", "Can the memory be extended later on?"),
    ("Invoice", "Could you send me an invoice for my company, please?"),
    ("Return", "The screen has a scratch that was not in the description. What can be done?"),
    ("Delivery", "Bonjour, quand est-ce que mon ordinateur sera expédié ? Merci."),
    ("Product", "Est-ce que le clavier est en français (ACNOR) ?"),
    ("Other", "Please do not send me automatic answers, I would like to speak with a person."),
)


def questions(
    count: int, order_ids: Sequence[str], *, seed: int = 0, first: int = 1
) -> Iterator[tuple[str, str, str]]:
    """Order, topic and text of questions; an order may ask again. Raises ValueError where there are no orders."""
    if count and not order_ids:
        raise ValueError("There is no order to ask about.")
    for number in range(first, first + count):
        random = Random(f"question {seed} {number}")  # noqa: S311
        topic, body = random.choice(_QUESTIONS)
        yield random.choice(order_ids), topic, body
