"""One module a paper: which learners run on which instances, at which scale. Each exports ``STUDIES``."""
