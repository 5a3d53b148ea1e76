"""The command line in a house that holds the toy papers."""

from pathlib import Path

import bounds.papers
import experiments.papers
import paper_figures.render

HOUSE = Path(__file__).with_name("toy_house")
bounds.papers.__path__[:] = [str(HOUSE / "bounds")]
experiments.papers.__path__[:] = [str(HOUSE / "experiments")]
paper_figures.__path__[:] = [str(HOUSE / "paper_figures")]

if __name__ == "__main__":
    from experiments.cli import main

    main()
