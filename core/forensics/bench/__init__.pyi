from .loop import default_out as default_out
from .loop import execute as execute
from .matrix import Matrix as Matrix
from .plan import Plan as Plan
from .plan import make as make
from .settings import Settings as Settings
from .settings import read_config as read_config
