"""One module a paper: its claims as data (``PAPER`` and ``CLAIMS``), found by `bounds.registry`."""
