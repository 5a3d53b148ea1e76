"""The columns of the atlas: complexity measures, the kinds of instance that they apply to, and where they come from."""

from ._measure import Measure
from ._model_measures import MODEL_MEASURES
from ._other_measures import OTHER_MEASURES

__all__ = ["MEASURES", "Measure"]

MEASURES: tuple[Measure, ...] = MODEL_MEASURES + OTHER_MEASURES
