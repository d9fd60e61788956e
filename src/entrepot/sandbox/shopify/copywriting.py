"""What the shop says about a product."""

from random import Random
from typing import TypeVar

from entrepot.sandbox.shopify.drafts import Draft
from entrepot.sandbox.shopify.vocabulary import CLOSINGS, DEPARTMENTS, LINES

_Word = TypeVar("_Word")


def describe(draft: Draft, random: Random) -> tuple[str, str]:
    """The product's copy as HTML and as plain text, 0.3 to 2 kB; most of it short, some tells a story."""
    department = draft.department
    words = {"title": draft.title, "noun": draft.kind.noun.lower(), "material": draft.material.lower()}
    features = random.sample(department.features, 2 + int(random.random() * (len(department.features) - 1)))
    paragraphs = [_pick(department.openings, random).format_map(words)]
    if random.random() < 0.3:
        paragraphs.append(
            f"The first one was drawn on the back of a delivery note in our {_pick(LINES, random)} workshop. "
            f"{draft.vendor} has made it ever since, a little better every year."
        )
        paragraphs.append(" ".join(_pick(DEPARTMENTS, random).care))
    told = [feature.format_map(words) for feature in features]
    care, closing = _pick(department.care, random), _pick(CLOSINGS, random)
    html = "".join(
        [
            *[f"<p>{paragraph}</p>" for paragraph in paragraphs],
            "<ul>",
            *[f"<li>{feature}</li>" for feature in told],
            f'</ul>\n<p><strong>Care:</strong> {care}</p>\n<p class="shipping"><em>{closing}</em></p>',
        ]
    )
    return html, " ".join([*paragraphs, *told, f"Care: {care}", closing])


def _pick(choices: tuple[_Word, ...], random: Random) -> _Word:
    return choices[int(random.random() * len(choices))]
