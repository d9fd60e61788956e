"""What facts may say: the words that the tables hold, and no others."""

import pytest
from pydantic import BaseModel, ValidationError

from entrepot.flows.facts.schemas import OrderPlaced, PaymentTold, ProductListed, ShopOpened
from entrepot.playground.values import (
    PAYMENT_METHOD_TYPES,
    PRODUCT_CATEGORIES,
    SHIPPING_METHODS,
    SHOP_CATEGORIES,
)


@pytest.mark.parametrize(
    ("model", "field", "words"),
    [
        (ShopOpened, "category", SHOP_CATEGORIES),
        (ProductListed, "category", PRODUCT_CATEGORIES),
        (OrderPlaced, "shipping_method", SHIPPING_METHODS),
        (PaymentTold, "method", PAYMENT_METHOD_TYPES),
    ],
)
def test_a_word_is_one_that_the_table_holds(
    model: type[BaseModel], field: str, words: tuple[str, ...]
) -> None:
    def wrong(word: str) -> bool:
        with pytest.raises(ValidationError) as refused:
            model.model_validate({field: word})  # what else is missing is refused as well
        return (field,) in {error["loc"] for error in refused.value.errors()}

    assert wrong("no such word")
    assert not any(wrong(word) for word in words)
