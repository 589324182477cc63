"""What the GPU scripts write: Markdown tables, verdicts, and sections of docs/gpu.md."""

from dataclasses import dataclass, field


@dataclass
class Report:
    """Markdown lines, and whether everything agreed so far."""

    lines: list[str] = field(default_factory=list)
    agreed: bool = True

    def table(self, *header: str) -> None:
        self.lines += ["", "| " + " | ".join(header) + " |", "| --- " * len(header) + "|"]

    def row(self, *cells: object) -> None:
        self.lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")

    def verdict(self, agrees: bool) -> str:
        self.agreed &= agrees
        return "yes" if agrees else "**NO**"


def with_results(page: str, lines: list[str], section: str = "results") -> str:
    """The page with these lines between its marks `<!-- section -->` and `<!-- end of section -->`."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return before + begin + "\n" + "\n".join(lines).strip() + "\n" + end + after
