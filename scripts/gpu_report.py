"""What the GPU scripts write: Markdown tables, verdicts, and sections of docs/gpu.md; and how they end."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import torch
import typer

PAGE = Path(__file__).parents[1] / "docs/gpu.md"


def require_cuda() -> None:
    """End with 2 where there is no GPU."""
    if not torch.cuda.is_available():
        print("PyTorch finds no CUDA device here, so there is nothing to check.", file=sys.stderr)
        raise typer.Exit(2)


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

    def deliver(self, section: str, dry: bool) -> NoReturn:
        """Print the lines, or put them into the page; end with 0 if everything agreed, 1 if something did not."""
        if dry:
            print("\n".join(self.lines))
        else:
            PAGE.write_text(with_results(PAGE.read_text(encoding="utf-8"), self.lines, section), encoding="utf-8")
            print(f"Written to {PAGE}.")
        raise typer.Exit(0 if self.agreed else 1)


def with_results(page: str, lines: list[str], section: str = "results") -> str:
    """The page with these lines between its marks `<!-- section -->` and `<!-- end of section -->`."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return before + begin + "\n" + "\n".join(lines).strip() + "\n" + end + after
