from . import offline as offline
from . import online as online
