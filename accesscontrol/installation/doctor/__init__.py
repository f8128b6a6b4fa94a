"""Is this installation well, and if not, what is to be mended? Asked of one process, by ``manage.py doctor``.

Each question stands alone: what breaks one, or does not answer it, keeps none of the others from being asked.
No finding holds a value of a secret, nor what a driver said: those repeat addresses and logins.
"""

from accesscontrol.installation.doctor.asking import examine
from accesscontrol.installation.doctor.findings import Finding, State

__all__ = ["Finding", "State", "examine"]
