"""`fashionvl score`."""

from argparse import ArgumentParser
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text


def main(arguments: list[str]) -> None:
    """Parse the command line and print the scores of every picture with every text.

    Raises:
        InputError: the model cannot be loaded, a picture cannot be read, or the model scores nothing.
    """
    parser = ArgumentParser(
        prog="fashionvl score", description="Score every picture with every text, higher for a better match."
    )
    parser.add_argument("model", metavar="MODEL", help="run folder, folder of a saved model, or hub id")
    parser.add_argument("--images", nargs="+", required=True, metavar="FILE", help="picture files")
    parser.add_argument("--texts", nargs="+", required=True, metavar="TEXT", help="captions")
    parser.add_argument(
        "--trust", action="store_true", help="also build a model class of another package, running its code"
    )
    given = parser.parse_args(arguments)
    # Imported late: a misspelt option must not wait for torch.
    from fashionvl.inference.load import load
    from fashionvl.inference.score import probabilities, score

    model, processor = load(given.model, given.trust)
    scores = score(model, processor, given.images, given.texts)
    chances = probabilities(model, scores)
    title = "scores, higher for a better match" if chances is None else "probability of a match, %"
    shown = scores if chances is None else 100 * chances
    table = score_table(title, given.images, given.texts, shown.tolist(), 4 if chances is None else 1)
    Console().print(table)


def score_table(
    title: str, images: list[str], texts: list[str], values: list[list[float]], digits: int
) -> Table:
    """A row for each picture, a column for each text; the best text of each picture is bold.

    Args:
        title: of the table.
        images: I paths.
        texts: T captions.
        values: I rows of T.
        digits: behind the decimal point.
    """
    table = Table(title=title)
    table.add_column("picture")
    for text in texts:
        # Not markup: a caption may hold square brackets.
        table.add_column(Text(text), justify="right", vertical="bottom")
    for image, row in zip(images, values, strict=True):
        best = max(row)
        cells = [Text(f"{value:.{digits}f}", style="bold" if value == best else "") for value in row]
        table.add_row(Text(Path(image).name), *cells)
    return table
