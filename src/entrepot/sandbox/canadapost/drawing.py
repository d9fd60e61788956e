"""One page of text and bars as PDF 1.4 (ISO 32000-1): what a label needs, and quick to load and to write."""

from dataclasses import dataclass, field

#: Points in a millimeter.
_POINTS = 72 / 25.4
#: Bytes that end or escape a text in a PDF.
_ESCAPED = {ord("\\"): "\\\\", ord("("): "\\(", ord(")"): "\\)", ord("\r"): " ", ord("\n"): " "}


@dataclass(slots=True)
class Page:
    """A page; sizes and places in millimeters from its upper left corner."""

    width: float
    height: float
    title: str
    _drawn: list[bytes] = field(default_factory=list)

    def write(self, x: float, y: float, size: float, text: str) -> None:
        """A line of text that stands on `y`, in Helvetica; letters that are not Latin-1 become question marks."""
        shown = text.translate(_ESCAPED).encode("cp1252", "replace")
        at = f"BT /F1 {size:g} Tf {x * _POINTS:.2f} {(self.height - y) * _POINTS:.2f} Td (".encode()
        self._drawn.append(at + shown + b") Tj ET")

    def bar(self, x: float, y: float, width: float, height: float) -> None:
        """A black rectangle whose upper left corner is at `x`, `y`."""
        bottom = (self.height - y - height) * _POINTS
        box = f"{x * _POINTS:.3f} {bottom:.3f} {width * _POINTS:.3f} {height * _POINTS:.3f} re f"
        self._drawn.append(box.encode())

    def pdf(self) -> bytes:
        """The file."""
        contents = b"\n".join(self._drawn)
        title = self.title.translate(_ESCAPED).encode("cp1252", "replace")
        box = f"[0 0 {self.width * _POINTS:.2f} {self.height * _POINTS:.2f}]".encode()
        objects = (
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox " + box + b" /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>",
            b"<< /Length %d >>\nstream\n" % len(contents) + contents + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            b"<< /Title (" + title + b") /Producer (entrepot sandbox) >>",
        )
        written, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
        for number, one in enumerate(objects, start=1):
            places.append(len(written))
            written += b"%d 0 obj\n" % number + one + b"\nendobj\n"
        table = len(written)
        written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        written += b"".join(b"%010d 00000 n \n" % place for place in places)
        written += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\n" % (len(objects) + 1)
        return bytes(written + b"startxref\n%d\n%%%%EOF\n" % table)
