from .dataset import OfflineDataset as OfflineDataset
from .offline import sample_dataset as sample_dataset
from .sampling import categorical as categorical
from .sampling import dirichlet as dirichlet
from .sampling import multinomial as multinomial
from .trajectories import sample_trajectories as sample_trajectories
from .trajectories import simulate_returns as simulate_returns
