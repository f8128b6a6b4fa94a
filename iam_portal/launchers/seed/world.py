"""The whole world of the demo."""

from iam_portal.launchers.seed.apps import APPS
from iam_portal.launchers.seed.companies import COMPANIES, PARTNERS
from iam_portal.launchers.seed.contracts import SHARES
from iam_portal.launchers.seed.offers import OFFERS
from iam_portal.launchers.seed.roles import HOLDINGS
from iam_portal.launchers.seed.shapes import World

WORLD = World(COMPANIES, APPS, PARTNERS, (*SHARES, *OFFERS), HOLDINGS)
