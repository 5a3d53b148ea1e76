"""One figure."""

from paper_figures.figure import Figure


def _table(evidence):
    return {"p": evidence.column("p")}


def _draw(table):
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing()
    drawing.subplots().plot(table["p"])
    return drawing


FIGURES = (Figure("toy/fig_walk", "Walk", "The walk.", ("toy/walk",), _table, _draw),)
