from .gymnasium import from_gymnasium as from_gymnasium
from .gymnasium import to_gymnasium as to_gymnasium
