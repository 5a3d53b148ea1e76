"""How it looks: one module a paper, one :class:`~paper_figures.figure.Figure` a figure.

A figure names the studies that it draws and never runs one; `render` writes the picture, the plotted numbers and
a note on where they come from.
"""
