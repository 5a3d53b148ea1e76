"""No studies of its own."""

STUDIES = ()
