from . import adversarial as adversarial
from . import bandit as bandit
from . import offline as offline
from . import online as online
from . import robust as robust
