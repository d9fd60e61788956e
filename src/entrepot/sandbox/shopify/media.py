"""Images, videos and models of products. The addresses lead nowhere: example.com is kept for examples."""

from bisect import bisect
from collections import Counter
from random import Random

from entrepot.sandbox.shopify.drafts import Draft
from entrepot.sandbox.shopify.values import Node, gid, line

_ADDRESS = "https://cdn.shop.example.com/s/files/1"
# Three in a hundred products have no image, most have two to four.
_IMAGE_SHARES = (0.03, 0.3, 0.6, 0.82, 0.95, 1.0)


class Media:
    """Makes the media of products."""

    def __init__(self, random: Random, counts: Counter[str]) -> None:
        self._random = random
        self._counts = counts
        self._first = 31_000_000_000_000 + random.randrange(1_000_000_000) * 64

    def images(self, draft: Draft) -> list[Node]:
        """The product's images, the featured one first."""
        images = []
        for position in range(bisect(_IMAGE_SHARES, self._random.random())):
            number = self._first + self._counts["MediaImage"]
            self._counts["MediaImage"] += 1
            image: Node = {
                "id": gid("MediaImage", number),
                "alt": draft.title if position == 0 else f"{draft.title}, view {position + 1}",
                "mediaContentType": "IMAGE",
                "status": "READY",
                "mimeType": "image/jpeg",
                "image": {
                    "url": f"{_ADDRESS}/products/{draft.handle}-{position + 1}.jpg?v={number % 100_000_000}",
                    "width": 2_048,
                    "height": 2_048 if position % 3 else 2_560,
                },
                "createdAt": draft.created,
                "__parentId": draft.gid,
            }
            images.append(image)
        return images

    def add_moving(self, lines: list[bytes], draft: Draft) -> None:
        """Now and then a video or a model."""
        drawn = self._random.random()
        if draft.images and drawn < 0.035:
            self._add(lines, draft, "Video", self._video(draft.handle, drawn))
        elif draft.images and drawn < 0.045:
            self._add(lines, draft, "Model3d", self._model(draft.handle, drawn))

    def _video(self, name: str, drawn: float) -> Node:
        return {
            "mediaContentType": "VIDEO",
            "filename": f"{name}.mp4",
            "originalSource": {"url": f"{_ADDRESS}/originals/{name}.mp4"},
            "duration": 8_000 + int(drawn * 1_000_000),
            "sources": [
                {
                    "url": f"{_ADDRESS}/videos/{name}-{height}.mp4",
                    "mimeType": "video/mp4",
                    "format": "mp4",
                    "width": height * 16 // 9,
                    "height": height,
                    "fileSize": height * 4_000 + int(drawn * 10_000_000),
                }
                for height in (720, 1_080)
            ],
        }

    def _model(self, name: str, drawn: float) -> Node:
        source = {"url": f"{_ADDRESS}/models/{name}.glb", "mimeType": "model/gltf-binary", "format": "glb"}
        return {
            "mediaContentType": "MODEL_3D",
            "filename": f"{name}.glb",
            "originalSource": {"url": source["url"]},
            "sources": [{**source, "filesize": 900_000 + int(drawn * 10_000_000)}],
        }

    def _add(self, lines: list[bytes], draft: Draft, kind: str, own: Node) -> None:
        node = {
            "id": gid(kind, self._first + 500_000_000_000 + self._counts[kind]),
            "alt": draft.title,
            "status": "READY",
            **own,
            "preview": {"image": {"url": draft.images[0]["image"]["url"]}},
            "createdAt": draft.created,
            "__parentId": draft.gid,
        }
        self._counts[kind] += 1
        lines.append(line(node))
