from .results import OnlineRun as OnlineRun
